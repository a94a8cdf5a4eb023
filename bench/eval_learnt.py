"""A score learnt from the outcomes of half a year, laid beside the records at the end: which cards it tells, and how many of them rightly.

Called by `cargo xtask eval learnt`: eval_learnt.py SUYUAN FRESH_DIR [--worlds many,schemes,qt-2020] [--size small] [--seeds N,N] [--until DATE] [--write]

For every world and seed: makes it, takes it in, makes the table of card use until the date, fits a model, lays it beside the records as
they stand at their end (`suyuan detect --model`), and only then opens the truth. A card is *told* by the rule `use/learnt-score`. Right is a
card of a planted group or of background fraud; cards whose outcome is known by then are not told, and do not count. As a yardstick the
same of cards above one half in a table that `suyuan model check` scores.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page import publish, share  # noqa: E402

TITLE = "Card use: a learnt score beside the records · 用卡：学习评分与记录一并使用"
RULE = "use/learnt-score"
ABOUT = """
`cargo xtask eval learnt{options}`. A model is fitted on the cards whose outcome (a fraud report, a re-verification, "not mine") was known by {until}, and laid
beside the records of the whole year: at their end it tells cards of unknown outcome to which it gives nine in ten or more. *Right*: of a planted group or used in
fraud. *Found*: of all such cards of unknown outcome. Seeds that nobody built on; the truth is read after the run. The labels are those that the made-up world
hands out, mostly to cards that somebody suspected; that is why a probability among all cards can be worth less than it says.
以{until}前已知结果（涉诈通报、二次认证、“非本人办理”）的卡训练，年末与全部记录一并使用，报告其给出九成以上概率且结果未知的卡。正确指属于预设团伙或涉诈；查出率以结果未知的此类卡计。
所用种子未用于开发，运行后才读取答案。标签由模拟世界给出，多为已受怀疑的卡，故在全部卡中概率可能偏高。
"""


def run(args):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, text=True).stdout


def one(a, world, seed):
    out, truth, data, keys = (os.path.join(a.fresh, n) for n in ("records", "truth", "data", "keys"))
    for folder in (out, truth, data, keys):
        shutil.rmtree(folder, ignore_errors=True)
    run([a.suyuan, "sim", world, "--size", a.size, "--seed", str(seed), "--out", out, "--truth", truth])
    common = ["--data", data, "--keys", keys, "--quiet"]
    run([a.suyuan, "init", *common])
    run([a.suyuan, "ingest", *common, out])
    early, late, model, scores = (os.path.join(a.fresh, n) for n in ("early.csv", "late.csv", "cards.model", "scores.csv"))
    run([a.suyuan, "model", "features", *common, "--until", a.until, "--out", early])
    run([a.suyuan, "model", "features", *common, "--out", late])
    fitted = json.loads(run([a.suyuan, "model", "train", *common, "--table", early, "--label", "bad", "--id", "card", "--time", "day",
                             "--until", a.until, "--out", model, "--format", "json"]))
    check = json.loads(run([a.suyuan, "model", "check", *common, model, "--table", late, "--label", "bad", "--scores", scores, "--format", "json"]))
    found = json.loads(run([a.suyuan, "detect", *common, "--model", model, "--only", RULE, "--format", "json"]))
    told = {f["entity"]["id"] for f in found if f["level"] != "informational"}
    with open(late, encoding="utf-8", newline="") as f:
        unknown = {row["card"] for row in csv.DictReader(f) if row["bad"] == ""}
    with open(scores, encoding="utf-8", newline="") as f:
        half = {row["id"] for row in csv.DictReader(f) if float(row["p"]) >= .5} & unknown
    assert told <= unknown, "a card of known outcome was told"
    with open(os.path.join(truth, "truth.json"), encoding="utf-8") as f:
        known = json.load(f)
    bad = set(known["background_fraud_cards"]).union(*[g["cards"] for g in known["groups"]]) & unknown
    figures = check["figures"] or {}
    rows = fitted["head"]["rows"]
    return (f"| {world} | {seed} | {rows['fitted']:,} | {rows['with_label']:,} | {share(len(told & bad), len(told))} | {share(len(told & bad), len(bad))} "
            f"| {share(len(half & bad), len(half))} | {share(len(half & bad), len(bad))} | {figures.get('auc', 0):.3f} |")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("suyuan")
    p.add_argument("fresh")
    p.add_argument("--worlds", default="many,schemes,qt-2020")
    p.add_argument("--size", default="small")
    p.add_argument("--seeds", default="8147")
    p.add_argument("--until", default="2020-06-30")
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    os.makedirs(a.fresh, exist_ok=True)
    lines = [ABOUT.strip("\n").replace("{until}", a.until).replace("{options}", f" --worlds {a.worlds} --seeds {a.seeds}"), "",
             "| world | seed | cards fitted | of them bad | told: right | found | above one half: right | found | AUC on later outcomes |",
             "|---|---|---|---|---|---|---|---|---|"]
    for world in a.worlds.split(","):
        for seed in a.seeds.split(","):
            lines.append(one(a, world, seed))
            print(lines[-1], file=sys.stderr, flush=True)
    publish(TITLE, lines, a.write)


if __name__ == "__main__":
    main()
