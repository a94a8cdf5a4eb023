# packages: numpy==2.4.6 scipy==1.17.1 rgmining-fraudar==0.7.6
"""Farms: many users on the same few items, found by suyuan-trace beside rgmining-fraudar on the same touches.

Called by `cargo xtask bench farms [--touches N] [--seeds N,N] [--write]`: farms.py SUYUAN FOLDER ...

Background: users and items of heavy-tailed activity (lognormal, 1/rank^.8), five touches a user, ten an item, 180 days. Dense
farms: 150 users x 12 items at density .5, 400 x 30 at .3, 60 x 6 at .8 within 20 days, three other touches a user; sparse
ones: densities .25, .12, .5 within 90 days, ten other touches a user; none: no farm. Precision and recall are of users. The
ceiling is the share of members who touched a second item of their farm at all: nobody is named for one touch. CPU time is the
operating system's of the finished process, reading the file included on both sides. The peer (its Apache-licensed method in a GPL
package, used here only) returns one block; it does not see days.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np

ROOT = os.environ.get("SUYUAN_ROOT", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page import write_section  # noqa: E402

TITLE = "Farms · 卡农场与密集团伙"
DAYS = 180
FARMS = {
    "dense": (((150, 12, 0.5), (400, 30, 0.3), (60, 6, 0.8)), 3, 20),
    "sparse": (((150, 12, 0.25), (400, 30, 0.12), (60, 6, 0.5)), 10, 90),
    "none": ((), 0, 20),
}


def world(touches, kind, seed):
    """Touches (user, item, day); the members of farms; those of them who touched at least two of its items."""
    rng = np.random.default_rng([seed, touches])
    users, items = touches // 5, touches // 10
    activity, popular = rng.lognormal(0, 1, users), 1 / np.arange(1, items + 1) ** 0.8
    rng.shuffle(popular)
    activity, popular = activity / activity.sum(), popular / popular.sum()
    u, i = [rng.choice(users, touches, p=activity)], [rng.choice(items, touches, p=popular)]
    day = [rng.integers(0, DAYS, touches)]
    farms, others, burst = FARMS[kind]
    members, seen = set(), set()
    for people, things, density in farms:
        who, what = rng.choice(users, people, replace=False), rng.choice(items, things, replace=False)
        start = rng.integers(0, DAYS - burst)
        a, b = np.nonzero(rng.random((people, things)) < density)
        u += [who[a], np.repeat(who, others)]
        i += [what[b], rng.choice(items, people * others, p=popular)]
        day += [rng.integers(start, start + burst, len(a)), rng.integers(0, DAYS, people * others)]
        members |= set(who.tolist())
        seen |= set(who[np.bincount(a, minlength=people) >= 2].tolist())
    return np.concatenate(u), np.concatenate(i), np.concatenate(day), members, seen


PEER = """
import sys
import numpy as np
from scipy import sparse
from fraudar.export import greedy
e = np.loadtxt(sys.argv[1], delimiter=',', dtype=np.int64)
m = sparse.coo_matrix((np.ones(len(e)), (e[:, 0], e[:, 1])))
block, _ = greedy.logWeightedAveDegree(m)
print('\\n' + '\\n'.join(str(int(x)) for x in block[0]))
"""


def run(command):
    """Output, CPU seconds and peak MiB of one process."""
    done = subprocess.Popen(command, stdout=subprocess.PIPE)
    out = done.stdout.read().decode()
    _, status, usage = os.wait4(done.pid, 0)
    if status:
        sys.exit(f"{command[0]} ended with {status}")
    return out, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def rates(named, members):
    right = len(named & members)
    return (right / len(named) if named else 1.0), (right / len(members) if members else 1.0)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--touches", type=int, default=1_000_000)
    p.add_argument("--seeds", default="31,32,33")
    p.add_argument("--write", action="store_true")
    a = p.parse_args(sys.argv[3:])
    folder = sys.argv[2]
    subprocess.run(["cargo", "build", "--quiet", "--profile", "demo", "-p", "suyuan-trace", "--example", "farms"],
                   check=True, cwd=ROOT, env={**os.environ, "CARGO_TARGET_DIR": TARGET})
    ours = os.path.join(TARGET, "demo", "examples", "farms")
    rows, null = [], []
    for kind in FARMS:
        figures = []
        for seed in [int(s) for s in a.seeds.split(",")]:
            print(f"{kind}, seed {seed} ({time.strftime('%H:%M:%S')})", file=sys.stderr, flush=True)
            u, i, day, members, seen = world(a.touches, kind, seed)
            path = os.path.join(folder, f"{kind}-{seed}.csv")
            np.savetxt(path, np.column_stack([u, i, day]), fmt="%d", delimiter=",")
            out, cpu, mib = run([ours, path])
            farms = [json.loads(line) for line in out.splitlines()]
            named = {m for f in farms for m, _ in f["members"]}
            peer_out, peer_cpu, peer_mib = run([sys.executable, "-c", PEER, path])
            peer = {int(x) for x in peer_out.split() if x.isdigit()}
            os.remove(path)
            if kind == "none":
                null.append(len(farms))
            p_, r = rates(named, members)
            pp, pr = rates(peer, members)
            figures.append((p_, r, len(seen) / max(len(members), 1), cpu, mib, pp, pr, peer_cpu, peer_mib, peer_cpu / cpu))
            print("  " + " ".join(f"{x:.3f}" for x in figures[-1]), file=sys.stderr, flush=True)
        rows.append((kind, np.mean(figures, axis=0)))
    lines = [
        f"`cargo xtask bench farms --touches {a.touches} --seeds {a.seeds}`: {a.touches:,} touches of {a.touches // 5:,} users and",
        f"{a.touches // 10:,} items over {DAYS} days, three farms of 610 users in all; means of {len(a.seeds.split(','))} worlds. Dense: two to six of ten possible touches",
        "within 20 days; sparse: one to five of ten within 90 days, each member with ten other touches. The ceiling is the share of",
        "members who touched two items of their farm at all: nobody is named for one touch. CPU time includes reading the file; the",
        "peer returns one block and does not see days, so its precision and recall are of that block.",
        "三个农场共610人，稠密农场集中于20天，稀疏农场散布于90天；上限为至少触及两个同一农场物品的成员所占比例（仅凭一次触及不点名任何人）。",
        "",
        "| world | precision | recall | ceiling | CPU s | MiB | fraudar: precision | recall | CPU s | MiB | its CPU by ours |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, m in rows:
        if kind == "none":
            lines.append(f"| none | {sum(null)} farms in {len(null)} worlds | – | – | {m[3]:.2f} | {m[4]:.0f} | names a block | – | {m[7]:.1f} | {m[8]:.0f} | {m[9]:.0f} |")
        else:
            lines.append(f"| {kind} | {m[0]:.3f} | {m[1]:.3f} | {m[2]:.3f} | {m[3]:.2f} | {m[4]:.0f} | {m[5]:.2f} | {m[6]:.2f} | {m[7]:.1f} | {m[8]:.0f} | {m[9]:.0f} |")
    print("\n".join(lines))
    if a.write:
        write_section(TITLE, lines)


if __name__ == "__main__":
    main()
