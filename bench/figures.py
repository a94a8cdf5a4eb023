"""Runs made-up worlds and seeds through the whole path and writes docs/figures.md.

Called by `cargo xtask figures`: figures.py SUYUAN FOLDER PAGE. The seeds are listed here and were not
used while building; the truth is read only after a run has ended.
"""

import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from score import score  # noqa: E402

SUYUAN, FOLDER, PAGE = sys.argv[1:4]
EXHIBITS = ("party", "dealing", "sighting")
REFERENCE = [("qt-2020", "small", seed) for seed in (2020, 8321, 8322, 8323)]
MANY = [("many", "small", seed) for seed in (8324, 8325, 8326)]
CLEAN = [("clean", "small", seed) for seed in range(8331, 8341)]


def run(world, size, seed, exhibits=True):
    """One world through the whole path; the score with wall seconds and peak MiB."""
    base = os.path.join(FOLDER, f"{world}-{size}-{seed}")
    records, truth, out = (os.path.join(base, d) for d in ("records", "truth", "out"))
    shutil.rmtree(out, ignore_errors=True)
    if not os.path.exists(os.path.join(truth, "truth.json")):
        subprocess.run([SUYUAN, "sim", world, "--size", size, "--seed", str(seed), "--out", records,
                        "--truth", truth, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    if not exhibits:
        for kind in EXHIBITS:
            path = os.path.join(records, f"{kind}.csv")
            if os.path.exists(path):
                os.remove(path)
    begin = time.monotonic()
    process = subprocess.Popen([SUYUAN, "run", records, "--out", out, "--keys", os.path.join(FOLDER, "keys"),
                                "--quiet"], stdout=subprocess.DEVNULL)
    _, status, use = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"{world} {seed}: the run failed")
    result = score(out, truth)
    result["seconds"], result["mib"] = time.monotonic() - begin, use.ru_maxrss / 1024
    shutil.rmtree(os.path.join(out, "data"))
    return result


def percent(x, digits=1):
    return "–" if x is None else f"{100 * x:.{digits}f} %"


def yes(x):
    return "–" if x is None else ("yes" if x else "no")


def reference_rows(title, results):
    lines = [f"\n## {title}\n",
             "| seed | ring cards recalled | other cards flagged | accounts | devices | collectors | sellers "
             "| outlet | actors linked | roles right | strangers | cards, fraud cards, cases, loss exact | innocents at ≥ .8 | s | MiB |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        ring = r["rings"][0]
        exact = ", ".join(yes(ring.get(k)) for k in
                          ("cards_exact", "fraud_cards_exact", "fraud_cases_exact", "loss_exact"))
        lines.append(
            f"| {r['seed']} | {percent(r['ring_recall'])} | {percent(r['other_flagged'], 2)} "
            f"| {percent(ring.get('accounts'), 0)} | {percent(ring.get('devices'), 0)} "
            f"| {percent(ring.get('collectors'), 0)} | {percent(ring.get('sellers'), 0)} "
            f"| {yes(ring.get('outlet'))} | {ring.get('parties', 0)} of {ring.get('parties_of', '–')} "
            f"| {ring['roles']} of {ring['roles_of']} | {len(ring['strangers'])} "
            f"| {exact} | {len(r['innocent_named'])} | {r['seconds']:.0f} | {r['mib']:.0f} |")
    return lines


def many_rows(results):
    lines = ["\n## `many`: rings and leakers of different kinds\n",
             "| seed | what | kind | found | cards recalled | cards of others in its case | roles right | strangers |",
             "|---|---|---|---|---|---|---|---|"]
    for r in results:
        for ring in r["rings"]:
            lines.append(f"| {r['seed']} | {ring['id']} | {ring['kind']} | {yes(ring['found'])} "
                         f"| {percent(ring['recall'])} | {ring.get('extra', '–')} "
                         f"| {ring['roles']} of {ring['roles_of']} | {len(ring['strangers'])} |")
        for leaker, found in r["leakers"].items():
            lines.append(f"| {r['seed']} | {leaker} | {r['leaker_kinds'][leaker]} | {yes(found)} | – | – | – | – |")
    lines += ["\n| seed | rings found | leakers found | ring cards recalled | other cards flagged "
              "| innocents at ≥ .8 | innocents listed | s | MiB |", "|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        lines.append(f"| {r['seed']} | {sum(x['found'] for x in r['rings'])} of {len(r['rings'])} "
                     f"| {sum(r['leakers'].values())} of {len(r['leakers'])} | {percent(r['ring_recall'])} "
                     f"| {percent(r['other_flagged'], 2)} | {len(r['innocent_named'])} | {len(r['innocent_listed'])} "
                     f"| {r['seconds']:.0f} | {r['mib']:.0f} |")
    return lines


def clean_rows(results):
    lines = ["\n## `clean`: no insider at all\n",
             "| seed | cases | cards flagged | named at ≥ .8 | listed | s | MiB |", "|---|---|---|---|---|---|---|"]
    for r in results:
        lines.append(f"| {r['seed']} | {r['cases']} | {percent(r['other_flagged'], 2)} | {len(r['innocent_named'])} "
                     f"| {len(r['innocent_listed'])} | {r['seconds']:.0f} | {r['mib']:.0f} |")
    return lines


HEAD = """<!-- written by `cargo xtask figures` -->
# Figures on made-up worlds · 模拟世界上的数字

Every figure here is on worlds of the project's own generator, not on a carrier's data: it shows that the
path works and what it confuses, not how it does in the field. Seeds other than 2020 were not used while
building. "Innocents" are sources named at a probability of .8 or more that the truth does not hold; "strangers" are
accounts, devices, collectors, outlets and parties that a case names at one half or more and the truth does not hold. A role is right
when the case gives it to that actor, under any of its names, at one half or more; an account that opened the cards itself is an opener.
Seconds were taken while other programs were at work.
本页数字均来自项目自带的模拟世界，不是运营商真实数据；用时测于有其他程序运行之时。
"""


def main():
    lines = [HEAD]
    results = []
    for world in REFERENCE:
        results.append(run(*world))
        print(world, percent(results[-1]["ring_recall"]), flush=True)
    lines += reference_rows("`qt-2020`: the reference case, with the investigation's exhibits", results)
    bare = []
    for world in REFERENCE:
        bare.append(run(*world, exhibits=False))
        print(world, "without exhibits", percent(bare[-1]["ring_recall"]), flush=True)
        shutil.rmtree(os.path.join(FOLDER, "-".join(map(str, world))))
    lines += reference_rows("`qt-2020` without `party`, `dealing`, `sighting`", bare)
    for title, worlds in (("many", MANY), ("clean", CLEAN)):
        results = []
        for world in worlds:
            results.append(run(*world))
            print(world, results[-1]["innocent_named"], flush=True)
            shutil.rmtree(os.path.join(FOLDER, "-".join(map(str, world))))
        lines += many_rows(results) if title == "many" else clean_rows(results)
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


main()
