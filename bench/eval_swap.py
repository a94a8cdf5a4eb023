"""Accounts that change hands: the swap protocol on a clean world's login log: `cargo xtask eval swap`.

eval_swap.py SUYUAN FOLDER [--size small|city] [--seeds N,N] [--pairs K] [--rule PREFIX] [--write]

From a date on the account column of random pairs is exchanged, so that each account is used by the other's
holder; nothing else changes. A hit is a finding of the rule about a swapped account that holds within 14 days
of that date. The threshold is chosen so that false alarms on the accounts that kept their hands stay at 1 % of
accounts a month; they are counted over all days after the first 60.
"""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from collections import defaultdict
from datetime import datetime, timedelta

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page import publish, share  # noqa: E402

SUYUAN, FOLDER = sys.argv[1:3]
SEEDS = "8301,8302,8303"  # nobody built on these
TITLE = "Accounts that change hands · 工号易手"
WITH = ("login", "staff", "outlet", "terminal")
WITHIN = timedelta(days=14)
ALLOWED = 0.01  # of accounts a month
LEARNING = timedelta(days=60)


def option(name, default):
    args = sys.argv[3:]
    return args[args.index(name) + 1] if name in args else default


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def read(path):
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    return rows


def regular(rows, begin, date, end):
    """Accounts at work before and after the date: on at least 30 days before and 5 in the 14 after."""
    before, after = defaultdict(set), defaultdict(set)
    for r in rows:
        t = moment(r["ts"])
        if r["result"] == "ok":
            if t < date:
                before[r["account"]].add(t.date())
            elif t < date + WITHIN:
                after[r["account"]].add(t.date())
    return sorted(a for a in before if len(before[a]) >= 30 and len(after[a]) >= 5)


def draw(accounts, staff, how, k, rng):
    """Pairs of accounts: any two, two of one county, two of one outlet."""
    key = {"any two": lambda a: 0, "one county": lambda a: staff[a]["region6"],
           "one outlet": lambda a: staff[a]["outlet"]}[how]
    groups = defaultdict(list)
    for a in accounts:
        if a in staff and not staff[a]["outlet"].startswith("OFFICE" if how == "one outlet" else "-"):
            groups[key(a)].append(a)
    pairs = []
    for g in sorted(groups, key=str):
        members = groups[g]
        rng.shuffle(members)
        pairs += [tuple(members[i:i + 2]) for i in range(0, len(members) - 1, 2)]
    rng.shuffle(pairs)
    return pairs[:k]


def swapped(rows, pairs, date, path):
    other = {a: b for a, b in pairs} | {b: a for a, b in pairs}
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        for r in rows:
            late = moment(r["ts"]) >= date
            out.writerow({**r, "account": other.get(r["account"], r["account"])} if late else r)
    return set(other)


def detect(records, home):
    """The findings of the rules over a folder of records."""
    common = ["--data", os.path.join(home, "data"), "--keys", os.path.join(FOLDER, "keys"), "--quiet"]
    done = subprocess.run([SUYUAN, "ingest", *common, records], stdout=subprocess.DEVNULL)
    if done.returncode not in (0, 3):
        sys.exit("`suyuan ingest` failed")
    done = subprocess.run([SUYUAN, "detect", *common, "--format", "json"], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    return found if isinstance(found, list) else found["findings"]


def alarms(findings, prefix):
    """What the rules say of accounts: account, when, score (the additive parts where there are any)."""
    found = []
    for f in findings:
        if f["rule"].startswith(prefix) and f["entity"]["kind"] == "account":
            score = sum(c["nats"] for c in f["contributions"])
            found.append((f["entity"]["id"], moment(f["fired"]), score))
    return found


def measure(found, guilty, accounts, date, begin, end):
    """Hits and false alarms at the lowest threshold that keeps false alarms within what is allowed."""
    months = (end - begin - LEARNING).days / 30
    honest = [a for a in accounts if a not in guilty]
    best = None
    for threshold in sorted({s for *_, s in found} | {0.0}, reverse=True):
        kept = [(a, t) for a, t, s in found if s >= threshold]
        hits = {a for a, t in kept if a in guilty and date <= t <= date + WITHIN}
        false = len({(a, (t - begin).days // 30) for a, t in kept if a not in guilty and t >= begin + LEARNING})
        rate = false / max(1, len(honest)) / months
        if rate > ALLOWED and best is not None:
            break
        best = (len(hits), len(guilty), false, rate, len(honest), threshold)
        if rate > ALLOWED:
            break
    return best


def main():
    size, k = option("--size", "small"), int(option("--pairs", "20"))
    prefix = option("--rule", "login/changed-hands")
    lines = [f"`cargo xtask eval swap`: a clean world's login log (`{size}`), {k} pairs of accounts exchanged from "
             "day 200 on,", "found within 14 days by " + f"`{prefix}*`, at a threshold that keeps false alarms on all "
             "other accounts within 1 % of accounts a month", "(the published detector on a real file-sharing log: "
             ".65 at .046). Target: at least 80 %.", "从第200天起互换随机成对工号；14天内发现比例，误报率按每月1%工号控制。", "",
             "| seed | pairs | swapped accounts found in 14 days | false alarms a month, of accounts | threshold, nats |",
             "|---|---|---|---|---|"]
    totals = defaultdict(lambda: [0, 0])
    for seed in map(int, option("--seeds", SEEDS).split(",")):
        base = os.path.join(FOLDER, f"clean-{size}-{seed}")
        made = os.path.join(base, "records")
        subprocess.run([SUYUAN, "sim", "clean", "--size", size, "--seed", str(seed), "--out", made, "--truth",
                        os.path.join(base, "truth"), "--quiet"], check=True, stdout=subprocess.DEVNULL)
        rows = read(os.path.join(made, "login.csv"))
        staff = {r["account"]: r for r in read(os.path.join(made, "staff.csv"))}
        begin, end = moment(rows[0]["ts"]), moment(rows[-1]["ts"])
        date = begin + timedelta(days=min(200, (end - begin).days * 2 // 3))
        accounts = regular(rows, begin, date, end)
        for how in ("any two", "one county", "one outlet"):
            rng = random.Random(f"{seed} {how}")
            pairs = draw(list(accounts), staff, how, k, rng)
            home = os.path.join(base, how.replace(" ", "-"))
            given = os.path.join(home, "records")
            os.makedirs(given)
            for kind in WITH[1:]:
                shutil.copy(os.path.join(made, f"{kind}.csv"), given)
            guilty = swapped(rows, pairs, date, os.path.join(given, "login.csv"))
            found = alarms(detect(given, home), prefix)
            hits, of, false, rate, _, threshold = measure(found, guilty, accounts, date, begin, end)
            totals[how][0] += hits
            totals[how][1] += of
            lines.append(f"| {seed} | {how} | {share(hits, of)} | {100 * rate:.2f} % ({false}) | {threshold:.1f} |")
            print(lines[-1], file=sys.stderr, flush=True)
        shutil.rmtree(base)
    lines += [f"| all | {how} | {share(*t)}, target {'reached 达到' if t[0] >= 0.8 * t[1] else 'not reached 未达到'} | | |"
              for how, t in totals.items()]
    lines += ["", "At one outlet both hands share network, city and often counter and hours. How much is left, on two other worlds "
              "(seeds 42 and 52, 80 swapped", "accounts of one outlet; 56 found): 28 share both the main counter and the hours of "
              "the shift with their partner. Somebody who knew every habit", "(days 1 to 200) and asked of each fortnight whether a "
              "colleague's habit fits better, at one honest fortnight in 100 for each sign, would find 47 by counter, first",
              "and last hour, and 75 with the weekdays on which each works. So what is missing are the days off. No part weighs "
              "them: in the made-up worlds hardly anybody works a", "colleague's day, in an outlet many do, and the records hold "
              "no such exchange. 同一网点内两人共用网络、城市，往往也共用终端与时段。另两个模拟世界（种子42、52，80个工号，现查出56个）中，",
              "28个与对方的主用终端和班次时段均相同；即使预知每个工号的习惯，每项特征误报百分之一，凭终端与首末登录时段可查出47个，"
              "加上各自上班的星期可查出75个。", "可见缺的是休息日；但模拟世界几乎无人换班，真实网点常有换班而记录中没有换班登记，故不据此判断。"]
    publish(TITLE, lines, "--write" in sys.argv)


if __name__ == "__main__":
    main()
