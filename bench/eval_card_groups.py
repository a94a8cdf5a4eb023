"""Card use without labels, on made-up worlds: which planted cards are named, and how many honest ones.

Called by `cargo xtask eval card-groups`: eval_card_groups.py SUYUAN FRESH_DIR [--worlds schemes,qt-2020,clean] [--size small] [--seeds 11,12,13]

For every world and seed: makes it, takes it in, runs the rules, and only then opens the truth. A card counts as named where a
finding of a rule under `use/` names it; levels below medium are leads for a reader and are counted apart. Honest cards are
those with use that belong to no planted group and to no background fraud. Prints one table a world.
"""

import argparse
import collections
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import time

# Groups whose scheme is about the use of cards; others are reported as well, below a line.
USE = {"S14", "S15", "S16", "S17", "S18", "S19", "S20", "S21"}
STRONG = {"medium", "high", "critical"}


def wilson(k, n, z=1.96):
    """The 95 % interval of a share."""
    if n == 0:
        return (0.0, 1.0)
    p = k / n
    mid, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return ((mid - half) / (1 + z * z / n), (mid + half) / (1 + z * z / n))


def run(args, **more):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def findings(suyuan, base, world, size, seed):
    """The findings of one world, its use and its truth; the truth is read last."""
    out, truth, data, keys = (os.path.join(base, n) for n in ("records", "truth", "data", "keys"))
    for folder in (out, truth, data, keys):
        shutil.rmtree(folder, ignore_errors=True)
    run([suyuan, "sim", world, "--size", size, "--seed", str(seed), "--out", out, "--truth", truth])
    run([suyuan, "init", "--data", data, "--keys", keys])
    run([suyuan, "ingest", "--data", data, "--keys", keys, out])
    began = time.time()
    found = json.loads(run([suyuan, "detect", "--data", data, "--keys", keys, "--format", "json"]))
    took = time.time() - began
    with open(os.path.join(out, "usage.csv"), encoding="utf-8", newline="") as f:
        used = {row["card"] for row in csv.DictReader(f)}
    with open(os.path.join(truth, "truth.json"), encoding="utf-8") as f:
        return [f for f in found if f["rule"].startswith("use/")], used, json.load(f), took


def named(finding):
    everyone = [*finding["involved"], finding["entity"]]
    return {e["id"] for e in everyone if e["kind"] == "card"}


def groups_of(truth):
    """Planted groups: name, schemes, cards."""
    out = [(g["id"], set(g["schemes"]), set(g["cards"])) for g in truth["groups"]]
    return [g for g in out if g[2]]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("suyuan")
    p.add_argument("fresh")
    p.add_argument("--worlds", default="schemes,qt-2020,clean")
    p.add_argument("--size", default="small")
    p.add_argument("--seeds", default="11,12,13")
    a = p.parse_args()
    for world in a.worlds.split(","):
        table = collections.defaultdict(lambda: [0, 0, 0])
        rules = collections.defaultdict(lambda: [0, 0, 0])
        honest = honest_named = honest_leads = 0
        for seed in a.seeds.split(","):
            found, used, truth, took = findings(a.suyuan, a.fresh, world, a.size, seed)
            planted = set(truth["background_fraud_cards"]).union(*[g[2] for g in groups_of(truth)])
            strong = set().union(*[named(f) for f in found if f["level"] in STRONG])
            leads = set().union(*[named(f) for f in found if f["level"] != "informational"])
            for name, schemes, cards in groups_of(truth):
                line = table[(not schemes & USE, ",".join(sorted(schemes)), name)]
                for i, n in enumerate((len(cards & used), len(cards & used & strong), len(cards & used & leads))):
                    line[i] += n
            clean = used - planted
            honest, honest_named = honest + len(clean), honest_named + len(clean & strong)
            honest_leads += len(clean & leads)
            for f in found:
                if f["level"] == "informational":
                    continue
                line, cards = rules[f["rule"]], named(f)
                line[0], line[1], line[2] = line[0] + 1, line[1] + len(cards & planted), line[2] + len(cards - planted)
            print(f"{world} seed {seed}: {len(found)} findings, {took:.0f} s", file=sys.stderr)
        print(f"\n{world}, {a.size}, seeds {a.seeds}: planted cards with use that are named")
        print("schemes                  group               cards   medium+     all   share medium+ (95 %)")
        for (_, schemes, name), (n, strong, leads) in sorted(table.items()):
            low, high = wilson(strong, n)
            share = f"{strong / n:.2f} ({low:.2f}-{high:.2f})" if n else "-"
            print(f"{schemes:24} {name:18} {n:6} {strong:9} {leads:7}   {share}")
        print(f"honest cards with use: {honest}; named at medium or more {honest_named} "
              f"({1000 * honest_named / max(1, honest):.2f} in 1,000), at any level {honest_leads} "
              f"({1000 * honest_leads / max(1, honest):.2f} in 1,000)")
        print("rule                                      findings  planted  others")
        for rule, (n, planted, others) in sorted(rules.items()):
            print(f"{rule:40} {n:9} {planted:8} {others:7}")


if __name__ == "__main__":
    main()
