"""What detection finds on made-up worlds, and how soon: `cargo xtask eval detect`.

eval_detect.py SUYUAN FOLDER [--size small|city] [--seeds N,N] [--worlds NAME,NAME] [--write] [--keep]

Makes each world, runs the whole path over its records, and only then reads the truth. `--write` puts the
tables into docs/evaluation.md; without it they are printed.
"""

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from datetime import datetime

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page import publish, share  # noqa: E402

SUYUAN, FOLDER = sys.argv[1:3]
SEEDS = "8108,8109,8110"  # nobody built on these; 8101, 8102, 8104 to 8107 were looked at and led to changes
WORLDS = "qt-2020,careful,many,schemes,clean"
HIGH = ("medium", "high", "critical")
TITLE = "Detection on made-up worlds · 模拟世界上的检测"
ABOUT = """
`cargo xtask eval detect{options}`. Made-up worlds, seeds that nobody built on; the truth is read after the run.
本节在自带模拟世界上得出，所用种子未用于开发；运行结束后才读取答案。

Definitions. *Alert*: a finding of level medium or above. *First alert* of a group: the earliest row at which
an alert held (`fired`) whose entity is one of the group's accounts, devices, cards, outlets, agents, persons or
other ids (a handset, cell or set of cards: if most of its cards are the group's); alerts before the group's first
act do not count. *Up for review*: in `review.ndjson` with `review` true; the time is `since`. *Openings until*:
openings of the group's cards up to and with that moment; *days*: since its first act. A card is *flagged* if a
case names it, or an alert does as entity, as one involved, or in a row of its evidence. *Other cards*: cards of
no group that were not used in fraud either. *Right*: the entity belongs to a group, or is a card used in
background fraud. *Flagged cards: right*: ring cards and cards used in background fraud among all flagged ones; cards are
not put up for review one by one, as no two families of records speak of a card apart from its account. Shares with 95 % Wilson intervals. Days and openings are medians over seeds, the worst in
brackets.
卡不单独列入复核（同一张卡除其工号外没有两个记录族），故以被标记卡中团伙卡与涉诈卡的比例代替其精确率。
口径：告警指“中”及以上级别的线索；首次告警取告警最早成立的时刻；列入复核指 `review.ndjson` 中 `review` 为真，时间取
`since`；卡被标记指案件或告警（主体、涉及或证据行）列出该卡；其他卡指不属于任何团伙且未涉诈的卡；区间为 95% Wilson 区间；
天数与开卡数为各种子的中位数，括号内为最差值。
"""


def option(name, default):
    args = sys.argv[3:]
    return args[args.index(name) + 1] if name in args else default


def ndjson(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def make(base, world, size, seed):
    """Makes and runs one world; seconds and peak MiB of the run."""
    records, truth, out = (os.path.join(base, d) for d in ("records", "truth", "out"))
    subprocess.run([SUYUAN, "sim", world, "--size", size, "--seed", str(seed), "--out", records,
                    "--truth", truth, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    begin = time.monotonic()
    process = subprocess.Popen([SUYUAN, "run", records, "--out", out, "--keys", os.path.join(FOLDER, "keys"),
                                "--quiet"], stdout=subprocess.DEVNULL)
    _, status, use = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"{world} {seed}: the run failed")
    shutil.rmtree(os.path.join(out, "data"), ignore_errors=True)
    return time.monotonic() - begin, use.ru_maxrss / 1024


class Records:
    """What the evaluation needs of the records: openings, rows that evidence cites, cards of a handset."""

    def __init__(self, base, findings):
        self.dir = os.path.join(base, "records")
        with open(os.path.join(base, "out", "run.json"), encoding="utf-8") as f:
            run = json.load(f)
        self.rows = dict(run["rows"])
        names = {i["file"]: i["name"] for i in run["inputs"]}
        self.opened = {r["card"]: instant(r["ts"]) for r in self.read("opening.csv")}
        self.cited = self.lines(findings, names)
        self.handsets = self.cards_of({e["id"] for f in findings for e in [f["entity"], *f["involved"]]
                                       if e["kind"] == "imei"})

    def read(self, name):
        path = os.path.join(self.dir, name)
        if os.path.exists(path):
            with open(path, newline="", encoding="utf-8") as f:
                yield from csv.DictReader(f)

    def lines(self, findings, names):
        """The cited rows by file and line."""
        wanted = defaultdict(set)
        for f in findings:
            for r in f["evidence"]["rows"]:
                wanted[r["file"]].add(r["line"])
        found = {}
        for file, lines in wanted.items():
            path = os.path.join(self.dir, names[file])
            with open(path, newline="", encoding="utf-8") as f:
                head = next(csv.reader([f.readline()]))
                last = max(lines)
                for n, text in enumerate(f, start=2):
                    if n in lines:
                        found[file, n] = dict(zip(head, next(csv.reader([text]))))
                    if n >= last:
                        break
        return found

    def cards_of(self, imeis):
        cards = defaultdict(set)
        if imeis:
            for r in self.read("usage.csv"):
                if r["imei"] in imeis:
                    cards[r["imei"]].add(r["card"])
        return cards

    def evidence(self, finding):
        rows = (self.cited.get((r["file"], r["line"])) for r in finding["evidence"]["rows"])
        return [r for r in rows if r]


class World:
    """One world after its run, compared with its truth."""

    # Kinds that the truth names by their ids; cells, rings and the like it knows by their cards.
    NAMED = ("account", "device", "card", "outlet", "agent", "person", "collector", "face", "background")

    def __init__(self, base):
        out = os.path.join(base, "out")
        self.findings = ndjson(os.path.join(out, "findings.ndjson"))
        self.review = [r for r in ndjson(os.path.join(out, "review.ndjson")) if r["review"]]
        self.records = Records(base, self.findings)
        with open(os.path.join(out, "case.json"), encoding="utf-8") as f:
            cases = json.load(f)["cases"]
        with open(os.path.join(base, "truth", "truth.json"), encoding="utf-8") as f:
            self.truth = json.load(f)
        self.groups = self.truth["groups"]
        self.fraud = set(self.truth["background_fraud_cards"])
        self.days = (instant(self.truth["days"][1] + "T00:00:00") - instant(self.truth["days"][0] + "T00:00:00")) / 86400 + 1
        self.owner = defaultdict(set)
        for n, g in enumerate(self.groups):
            g["ids"] = {i for k in ("accounts", "devices", "cards", "outlets", "agents", "others") for i in g[k]}
            for i in g["ids"] | set(g["subjects"]):
                self.owner[i].add(n)
        self.alerts = [f for f in self.findings if f["level"] in HIGH]
        self.persons = self.tokens()
        self.together = defaultdict(set)
        for f in self.findings:
            cards = {e["id"] for e in f["involved"] if e["kind"] == "card"}
            self.together[f["entity"]["kind"], f["entity"]["id"]] |= cards
        self.flagged = {c["card"] for case in cases for c in case["cards"]}
        for f in self.alerts:
            named = [f["entity"], *f["involved"]]
            self.flagged |= {e["id"] for e in named if e["kind"] == "card"}
            self.flagged |= {r["card"] for r in self.records.evidence(f) if r.get("card")}

    def tokens(self):
        """Persons by token, where all rows of a finding about one speak of one."""
        found = {}
        for f in self.findings:
            if f["entity"]["kind"] == "person":
                subjects = {r.get("subject") or r.get("victim") for r in self.records.evidence(f)} - {None, ""}
                if len(subjects) == 1:
                    found[f["entity"]["id"]] = subjects.pop()
        return found

    def of(self, entity):
        """The groups that an entity belongs to."""
        kind, i = entity["kind"], entity["id"]
        if kind == "person":
            return self.owner.get(self.persons.get(i), set())
        cards = None
        if kind == "imei":
            cards = self.records.handsets.get(i, set())
        elif kind not in self.NAMED:
            cards = self.together.get((kind, i))
        if cards:
            counts = Counter(n for c in cards for n in self.owner.get(c, ()))
            return {n for n, k in counts.items() if 2 * k > len(cards)}
        return self.owner.get(i, set())

    def right(self, entity):
        return bool(self.of(entity)) or (entity["kind"] == "card" and entity["id"] in self.fraud)

    def group(self, n):
        g = self.groups[n]
        begin = instant(g["first"])
        opened = sorted(self.records.opened[c] for c in g["cards"] if c in self.records.opened)

        def moment(t):
            if t is None:
                return None
            return {"days": (t - begin) / 86400, "openings": sum(o <= t for o in opened) if opened else None}

        def first(times):
            return min((t for t in times if t >= begin - 60), default=None)

        alerts = [(instant(f["fired"]), f) for f in self.alerts if n in self.of(f["entity"])]
        alerts = sorted((a for a in alerts if a[0] >= begin - 60), key=lambda a: a[0])
        own = [(instant(f["fired"])) for _, f in alerts if f["scheme"] in g["schemes"]]
        up = [(instant(r["since"]), r["entity"]) for r in self.review if n in self.of(r["entity"])]
        cards = [c for c in g["cards"] if c in self.records.opened]
        return {
            "id": g["id"], "schemes": g["schemes"], "cards": len(cards),
            "flagged": sum(c in self.flagged for c in cards),
            "alert": moment(alerts[0][0] if alerts else None),
            "rule": alerts[0][1]["rule"] if alerts else None,
            "own_alert": moment(first(own)),
            "review": moment(first(t for t, _ in up)),
            "account": moment(first(t for t, e in up if e["kind"] == "account")),
        }

    def lookalikes(self, risk):
        """Which honest causes an entity up for review stands for, by its id and the rows of its findings."""
        ids = {risk["entity"]["id"], self.persons.get(risk["entity"]["id"])}
        reasons = {r["finding"] for r in risk["reasons"]}
        for f in self.findings:
            if f["id"] in reasons:
                for r in self.records.evidence(f):
                    ids |= {r.get(k) for k in ("card", "order", "face_ref", "imei", "subject", "device", "collector")}
        kinds = [k for k, planted in self.truth["lookalikes"].items() if not ids.isdisjoint(planted)]
        return kinds or ["none of the planted causes"]

    def summary(self):
        guilty = {c for g in self.groups for c in g["cards"]} | self.fraud
        others = [c for c in self.records.opened if c not in guilty]
        ring = [c for g in self.groups for c in g["cards"] if c in self.records.opened]
        wrong = [r for r in self.review if not self.right(r["entity"])]
        causes = Counter(k for r in wrong for k in self.lookalikes(r))
        by_kind = {}
        for kind in sorted({r["entity"]["kind"] for r in self.review}):
            own = [r for r in self.review if r["entity"]["kind"] == kind]
            by_kind[kind] = (sum(self.right(r["entity"]) for r in own), len(own))
        return {
            "world": self.truth["world"], "size": self.truth["size"], "seed": self.truth["seed"],
            "days": self.days, "openings": len(self.records.opened),
            "groups": [self.group(n) for n in range(len(self.groups))],
            "ring_cards": (sum(c in self.flagged for c in ring), len(ring)),
            "others": (sum(c in self.flagged for c in others), len(others)),
            "right_cards": (sum(c in guilty for c in self.flagged), len(self.flagged)),
            "review": by_kind, "alerts": len(self.alerts), "reviews": len(self.review),
            "wrong": sorted((r["entity"]["kind"], r["entity"]["id"], self.lookalikes(r)) for r in wrong),
            "causes": dict(causes), "rows": sum(self.records.rows.values()),
            "alerts_by_rule": dict(Counter(f["rule"] for f in self.alerts)),
            "wrong_by_rule": dict(Counter(f["rule"] for f in self.alerts if not self.right(f["entity"]))),
        }


def middle(values, worst=max):
    """Median with the worst in brackets; `never` where one of them never came."""
    known = [v for v in values if v is not None]
    if not known:
        return "never"
    text = f"{statistics.median(known):.0f} ({worst(known):.0f})"
    return text if len(known) == len(values) else f"{text}; never in {len(values) - len(known)}"


def add(pairs):
    pairs = list(pairs)
    return sum(a for a, _ in pairs), sum(b for _, b in pairs)


def group_rows(results):
    lines = ["| world | group | schemes | cards | found in | first alert: openings | days | up for review: openings "
             "| days | its account: openings | cards flagged | first rule |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for world in dict.fromkeys(r["world"] for r in results):
        own = [r for r in results if r["world"] == world]
        for name in dict.fromkeys(g["id"] for r in own for g in r["groups"]):
            gs = [g for r in own for g in r["groups"] if g["id"] == name]

            def each(what, unit):
                return [g[what][unit] if g[what] else None for g in gs]
            with_openings = any(g["cards"] for g in gs)
            k, n = add((g["flagged"], g["cards"]) for g in gs)
            rules = Counter(g["rule"] for g in gs if g["rule"]).most_common(1)
            opened = (lambda what: middle(each(what, "openings")) if with_openings else "–")
            lines.append(
                f"| {world} | {name} | {', '.join(gs[0]['schemes'])} | {statistics.median(g['cards'] for g in gs):.0f} "
                f"| {sum(g['alert'] is not None for g in gs)} of {len(gs)} | {opened('alert')} "
                f"| {middle(each('alert', 'days'))} | {opened('review')} | {middle(each('review', 'days'))} "
                f"| {opened('account')} | {share(k, n)} | {rules[0][0] if rules else '–'} |")
    return lines


def world_rows(results):
    lines = ["| world | seeds | rows | ring cards flagged | other cards flagged | flagged cards: right | up for review: right "
             "| accounts: right | alerts a day | new for review a day | s | MiB |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for world in dict.fromkeys(r["world"] for r in results):
        own = [r for r in results if r["world"] == world]
        every = add(p for r in own for p in r["review"].values())
        kind = (lambda k: share(*add(r["review"].get(k, (0, 0)) for r in own)))
        days = sum(r["days"] for r in own)
        lines.append(
            f"| {world} | {', '.join(str(r['seed']) for r in own)} | {sum(r['rows'] for r in own) / len(own):,.0f} "
            f"| {share(*add(r['ring_cards'] for r in own))} | {share(*add(r['others'] for r in own), digits=2)} "
            f"| {share(*add(r['right_cards'] for r in own))} | {share(*every)} | {kind('account')} | {sum(r['alerts'] for r in own) / days:.2f} "
            f"| {sum(r['reviews'] for r in own) / days:.2f} | {max(r['seconds'] for r in own):.0f} "
            f"| {max(r['mib'] for r in own):.0f} |")
    return lines


def cause_rows(results):
    causes = Counter()
    for r in results:
        causes.update(r["causes"])
    lines = ["| honest cause | entities up for review in all worlds |", "|---|---|"]
    lines += [f"| {kind} | {n} |" for kind, n in causes.most_common()] or ["| – | 0 |"]
    return lines


def main():
    size, worlds = option("--size", "small"), option("--worlds", WORLDS).split(",")
    seeds = [int(s) for s in option("--seeds", SEEDS).split(",")]
    results = []
    for world in worlds:
        for seed in seeds:
            base = os.path.join(FOLDER, f"{world}-{size}-{seed}")
            seconds, mib = make(base, world, size, seed)
            result = World(base).summary()
            result["seconds"], result["mib"] = seconds, mib
            results.append(result)
            with open(os.path.join(FOLDER, "results.json"), "w", encoding="utf-8") as f:
                json.dump(results, f, ensure_ascii=False, indent=1)
            print(world, seed, "ring cards", share(*result["ring_cards"]), "others", share(*result["others"], digits=2),
                  "review", result["review"], file=sys.stderr, flush=True)
            if "--keep" not in sys.argv:
                shutil.rmtree(base)
    used = " ".join(a for a in sys.argv[3:] if a not in ("--write", "--keep"))
    lines = [ABOUT.strip("\n").replace("{options}", f" {used}" if used else ""), "", f"### Groups ({size})", ""]
    lines += group_rows(results) + ["", f"### Worlds ({size})", ""] + world_rows(results)
    lines += ["", "### Honest entities up for review, by what they are", ""] + cause_rows(results)
    publish(TITLE if size == "small" else f"{TITLE} ({size})", lines, "--write" in sys.argv)


if __name__ == "__main__":
    main()
