"""Card use without labels, on made-up worlds: which planted cards are named, and how many honest ones.

Called by `cargo xtask eval card-groups`: eval_card_groups.py SUYUAN FRESH_DIR [--worlds schemes,qt-2020,clean] [--size small] [--seeds 11,12] [--write]

For every world and seed: makes it, takes it in, runs the rules, and only then opens the truth. A card counts as named where a
finding of a rule under `use/` names it; levels below medium are leads for a reader and are counted apart. Honest cards are
those with use that belong to no planted group and to no background fraud. One table a world.
"""

import argparse
import collections
import csv
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page import publish, share  # noqa: E402

TITLE = "Card use without labels, by group · 无标签用卡检测：按团伙"
# Groups whose scheme is about the use of cards; others are reported as well, below a line.
USE = {"S14", "S15", "S16", "S17", "S18", "S19", "S20", "S21"}
STRONG = {"medium", "high", "critical"}


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


def of_world(world, seeds, a):
    """The lines of one world: planted groups, then rules."""
    table = collections.defaultdict(lambda: [0, 0, 0])
    rules = collections.defaultdict(lambda: [0, 0, 0])
    honest = honest_named = honest_leads = 0
    for seed in seeds:
        found, used, truth, took = findings(a.suyuan, a.fresh, world, a.size, seed)
        planted = set(truth["background_fraud_cards"]).union(*[g[2] for g in groups_of(truth)])
        strong = set().union(*[named(f) for f in found if f["level"] in STRONG])
        leads = set().union(*[named(f) for f in found if f["level"] != "informational"])
        for name, schemes, cards in groups_of(truth):
            line = table[(not schemes & USE, ", ".join(sorted(schemes)), name)]
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
        print(f"{world} seed {seed}: {len(found)} findings, {took:.0f} s", file=sys.stderr, flush=True)
    lines = [f"### {world}", ""]
    if table:
        lines += ["| about | schemes | group | planted cards with use | named, medium or more | at any level |",
                  "|---|---|---|---|---|---|"]
        lines += [f"| {'other' if other else 'use'} | {schemes} | {name} | {n} | {share(strong, n)} | {share(leads, n)} |"
                  for (other, schemes, name), (n, strong, leads) in sorted(table.items())]
        lines += [""]
    lines += [f"Honest cards with use: {honest:,}; named at medium or more {honest_named} "
              f"({1000 * honest_named / max(1, honest):.2f} in 1,000), at any level {honest_leads} "
              f"({1000 * honest_leads / max(1, honest):.2f} in 1,000). 正常使用的卡{honest:,}张，中级以上误列{honest_named}张，"
              f"各级合计{honest_leads}张。", ""]
    if rules:
        lines += ["| rule | findings | planted cards named | others named |", "|---|---|---|---|"]
        lines += [f"| {rule} | {n} | {planted} | {others} |" for rule, (n, planted, others) in sorted(rules.items())]
        lines += [""]
    return lines


def main():
    p = argparse.ArgumentParser()
    p.add_argument("suyuan")
    p.add_argument("fresh")
    p.add_argument("--worlds", default="schemes,qt-2020,clean")
    p.add_argument("--size", default="small")
    p.add_argument("--seeds", default="11,12")
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    seeds = a.seeds.split(",")
    lines = [f"`cargo xtask eval card-groups --seeds {a.seeds} --write`: which planted cards the rules under `use/` name, and how many honest ones; `{a.size}` "
             "worlds.", "The rules were made on such worlds, seeds 11, 42 and 52; others were not seen before. So this says what is "
             "confused with what, not how it does in the field. Groups whose scheme is not", "about the use of cards (\"other\") are "
             "for other rules to find.", "用卡类规则点出了哪些预设卡、误列多少正常卡；规则在这类世界（种子11、42、52）上制定，其他种子此前未见，故仅说明易混之处，不代表现网效果。", ""]
    for world in a.worlds.split(","):
        lines += of_world(world, seeds, a)
    publish(TITLE, lines, a.write)


if __name__ == "__main__":
    main()
