# packages: numpy==2.4.6
"""Data holders that are no carrier: `cargo xtask eval holders`.

eval_holders.py SUYUAN FOLDER [--seeds N,N] [--worlds NAME,NAME] [--write]

A bank, a hospital, a call centre and courier stations, made here and not by `suyuan sim`, as look-ups, staff and reports of
fraud alone. Each goes through the ordinary commands (ingest, detect, trace); only then is the truth looked at. What can
mislead is built in: wards whose patients are eight times as much at risk, patients looked up again and again by one team, repeat
callers, a quality desk that looks after everyone, waves of fraud in three towns, and desks that take the victims' calls
before the reports are filed.
"""

import csv
import json
import os
import shutil
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page import publish, share  # noqa: E402

SUYUAN, FOLDER = sys.argv[1:3]
TITLE = "Source attribution: other holders of data · 来源归因：其他数据持有者"
SEEDS = "11,12,13"  # nobody built on these
START, DAYS = np.datetime64("2023-01-01T00:00:00"), 365
# World: its maker, leakers, mean days from leak to report, mean days from the victim's call to the report, days of a turn at the desk.
# Where logins are lent, who borrowed them looks strangers up on a device of their own, by day or in the evening.
LENT = {"logins lent": (.38, .72), "logins lent, evenings": (.78, .95)}
# Victims come to their branch for statements, too, before the report is filed: to anybody there, or to one who prints them.
STATEMENTS = {"statements from anybody": False, "statements from one a branch": True}
WORLDS = {
    "hospital": ("hospital", 4, 25, None), "hospital, nobody leaks": ("hospital", 0, 25, None),
    "call centre": ("centre", 4, 25, None), "call centre, nobody leaks": ("centre", 0, 25, None),
    "call centre, used in 7 days": ("centre", 4, 7, None), "call centre, used in 2 days": ("centre", 4, 2, None),
    "couriers": ("couriers", 4, 25, None), "couriers, nobody leaks": ("couriers", 0, 25, None),
    "bank, calls .8 days before": ("bank", 4, 25, .8), "bank, calls .8 days before, nobody leaks": ("bank", 0, 25, .8),
    "bank, calls 3 days before": ("bank", 4, 25, 3), "bank, calls 7 days before": ("bank", 4, 25, 7),
    "bank, logins lent": ("bank", 4, 25, None), "bank, logins lent, evenings": ("bank", 4, 25, None),
    "call centre, logins lent": ("centre", 4, 25, None), "hospital, logins lent": ("hospital", 4, 25, None),
    "couriers, logins lent": ("couriers", 4, 25, None),
    "bank, calls .8 days before, statements from anybody": ("bank", 4, 25, .8),
    "bank, calls .8 days before, statements from one a branch": ("bank", 4, 25, .8),
    "bank, calls 3 days before, statements from one a branch": ("bank", 4, 5, 3),
    "marketplace, used in 3 days": ("market", 4, 3, None), "marketplace, nobody leaks": ("market", 0, 3, None),
    "marketplace, used in 3 days, calls .8 days before": ("market", 4, 3, .8),
    "bank, calls 3 days before, in turns": ("bank", 4, 25, 3, 60), "bank, calls 7 days before, in turns": ("bank", 4, 25, 7, 60),
}
ABOUT = """
`cargo xtask eval holders{options}`. A hospital, a call centre, courier stations, a bank and a marketplace of some half a million look-ups a year, made by a
generator of their own and not by `suyuan sim`; four accounts leak for 30 to 80 days what they look at, 12 to 35 % of it, or nobody does. Built in:
wards whose patients are up to eight times as much at risk and are looked up for days by one team, repeat callers and a quality desk, waves of
fraud in three towns, shops of twelve kinds whose customers differ in risk and are looked up again when goods come back, and desks: twelve accounts take the calls of 60 % of all victims before the reports are filed, or clerks do so in
turns of 60 days, twelve at a time, or half of the victims also come to their branch for statements, to anybody there or to the one who prints them. *Desks*: accounts told as taking reports; their look-ups shortly before reports are left out. A desk must explain why it met a part of all victims as long as it was one,
a leak why the rest of what was touched stayed without harm; where there are several desks, a leak's victims call one of them besides, like all victims, and after the account touched them, and a desk's do so as rarely as two desks share a caller. Who might be either is told as likely as that leaves it. Where nobody else takes calls, who sold evenly all the time what was used within days cannot be told from a desk, unless
reports give the loss (`ts`) apart from the filing (`reported_at`). Built on seed 1 (marketplaces also 11 and 12) and then looked at on 11 to 13, 22 and 23, which judged the models before: the first listed all 36 desks where calls came 7 days before, and of the leaks used within 2 days none;
the second took four of eight borrowed logins at courier stations for desks, one leaker of eight among clerks in turns, and, where the marketplace has desks, most shops that leaked.
Until then the evaluation let some victims call before they were touched; now they call when harmed, and file after that.
Where logins are lent, the leakers themselves leak nothing: who borrowed the login looks two to eight
strangers a day up on a device of their own, and 15 to 40 % of it is used. Everybody else has a desk and sits at a colleague's one time in eight; at the call
centre any seat of the day.
非运营商的数据持有者：医院、呼叫中心、快递站点、银行与电商平台，由独立生成器制作（不用 `suyuan sim`），四个工号泄露或无人泄露；含病区风险差异、重复来电、质检岗、
诈骗高发、十二类风险不同的商家及退换货再次查询，以及受理岗：十二个岗位在立案前受理60%被害人来电，或由职员每60天轮换，或半数被害人另到所属网点打印流水（任一柜员，或指定一人）。受理岗在报案前不久的查询不计入。受理岗须解释为何在其任职期间遇到全部被害人的一部分，泄露须解释为何所查其余人未受害；
有多个受理岗时，泄露的被害人在被查询之后同其他被害人一样另向受理岗致电，而受理岗之间很少共有来电人；两者皆可能者按其可能性告知。
无其他受理岗时，全年均匀出售且数日内即被利用者与受理岗无法区分，除非分别载明受害时间与立案时间。模型建于种子1（电商另含11、12），随后在11–13、22、23号上检查：最初的模型在“来电早于立案7天”的世界误列全部36个受理岗，2日内被利用的泄露一个未找到；
其后的模型把快递站点八个借用工号中的四个、轮换职员中八分之一的泄露者以及有受理岗的电商平台上多数泄露商家当作受理岗。此前评估中有些被害人在被查询之前即已致电，现改为受害后致电、其后立案。
借用工号的世界中，持有人自己并不泄露，借用人在自己的终端上每天查询二至八名陌生人，其中15%至40%被利用；其余人员各有终端，八次中有一次用同事的终端，呼叫中心则每日任意就座。
"""


def option(name, default):
    args = sys.argv[3:]
    return args[args.index(name) + 1] if name in args else default


class Holder:
    """Look-ups, staff and reports of one holder; days as fractions since the start."""

    def __init__(self, kind, leakers, delay, calls, *turns, seed, lent=None, statements=None):
        self.dice = np.random.default_rng([seed, sum(map(ord, kind)), leakers, int(delay), int(10 * (calls or 0))])
        self.looks, self.staff, self.reports, self.leakers = [], [], [], []
        self.aside = ()  # accounts that do not leak
        self.strange = {}  # look-ups on a borrower's device: the account's number among the leakers
        self.seats = kind == "centre"  # any desk, another one each day
        getattr(self, kind)()
        self.looks.sort()
        self.leak(leakers, delay) if lent is None else self.lend(leakers, delay, lent)
        if calls:
            self.calls(calls, *turns)
        if statements is not None:
            self.statements(statements)
        self.reports = sorted(r for r in self.reports if r[0] < DAYS)

    def working(self, n):
        """Instants of the working day, most on weekdays."""
        day = self.dice.integers(0, DAYS, int(n * 1.5)).astype(float)
        day = day[(day % 7 < 5) | (self.dice.random(len(day)) < .4)][:n]
        return day + np.clip(self.dice.normal(.55, .13, len(day)), .34, .9)

    def fraud(self, people, rate, weight=None):
        """Fraud that has nothing to do with anybody's look-ups."""
        p = None if weight is None else weight / weight.sum()
        n = self.dice.poisson(people * rate)
        for person in self.dice.choice(people, n, replace=False, p=p):
            self.reports.append((self.dice.random() * DAYS, int(person)))

    def hospital(self):
        accounts, people, wards = 400, 120_000, 20
        age = self.dice.random(people)
        home = np.minimum((age * wards * .8 + self.dice.integers(0, 5, people)).astype(int), wards - 1)
        ward = self.dice.integers(0, wards, accounts)
        names = [f"H{i:03d}" for i in range(accounts)]
        self.staff = [(a, f"ward{w:02d}") for a, w in zip(names, ward)]
        teams = [np.where(ward == w)[0] for w in range(wards)]
        for person in range(people):
            for _ in range(self.dice.poisson(.8)):
                at = home[person] if self.dice.random() < .8 else self.dice.integers(0, wards)
                begin = self.dice.random() * DAYS
                team = self.dice.choice(teams[at], min(3, len(teams[at])), replace=False)
                for _ in range(1 + self.dice.poisson(4)):
                    day = begin + self.dice.exponential(3)
                    if day < DAYS:
                        self.looks.append((day, names[self.dice.choice(team)], person))
        self.fraud(people, .01, 1 + 7 * age ** 2)

    def centre(self):
        accounts, people = 500, 300_000
        names = [f"C{i:03d}" for i in range(accounts)]
        busy = self.dice.lognormal(0, .8, accounts)
        often = self.dice.pareto(1.5, people) + .2
        self.staff = [(a, "centre") for a in names]
        days = self.working(600_000)
        who = self.dice.choice(accounts, len(days), p=busy / busy.sum())
        whom = self.dice.choice(people, len(days), p=often / often.sum())
        for day, a, person in zip(days, who, whom):
            self.looks.append((day, names[a], int(person)))
            if self.dice.random() < .03:
                self.looks.append((day + 2, f"Q{self.dice.integers(0, 4)}", int(person)))
        self.aside = ("Q",)
        self.fraud(people, .008, often ** .5)

    def couriers(self):
        stations, people = 60, 240_000
        at = self.dice.integers(0, stations, people)
        of = [s for s in range(stations) for _ in range(self.dice.integers(2, 7))]
        names = [f"S{s:02d}-{k}" for k, s in enumerate(of)]
        self.staff = [(a, f"station{s:02d}") for a, s in zip(names, of)]
        busy = self.dice.lognormal(0, .7, len(names))
        near = [np.where(at == s)[0] for s in range(stations)]
        days = self.working(700_000)
        for day, a in zip(days, self.dice.choice(len(names), len(days), p=busy / busy.sum())):
            self.looks.append((day, names[a], int(self.dice.choice(near[of[a]]))))
        self.fraud(people, .006)
        for s in (3, 17, 30):
            begin = self.dice.random() * 300
            for person in self.dice.choice(near[s], 120, replace=False):
                self.reports.append((begin + self.dice.exponential(12), int(person)))

    def bank(self):
        accounts, people, branches = 300, 150_000, 25
        names = [f"B{i:03d}" for i in range(accounts)]
        busy, branch = self.dice.lognormal(0, .6, accounts), self.dice.integers(0, branches, accounts)
        self.staff = [(a, f"branch{b:02d}") for a, b in zip(names, branch)]
        self.staff += [(f"F{i:02d}", f"branch{i:02d}") for i in range(12)]
        home = self.dice.integers(0, branches, people)
        self.at_branch = [names[i] for i in np.argsort(branch, kind="stable")], np.sort(branch), home
        near = [np.where(home == b)[0] for b in range(branches)]
        days = self.working(450_000)
        for day, a in zip(days, self.dice.choice(accounts, len(days), p=busy / busy.sum())):
            local = self.dice.random() < .8
            person = self.dice.choice(near[branch[a]]) if local else self.dice.integers(0, people)
            self.looks.append((day, names[a], int(person)))
        self.fraud(people, .01)

    def market(self):
        accounts, people, kinds = 1500, 150_000, 12
        names = [f"M{i:04d}" for i in range(accounts)]  # shops: no staff, no outlets
        kind, size = self.dice.integers(0, kinds, accounts), self.dice.lognormal(0, 1.2, accounts)
        of = [np.where(kind == k)[0] for k in range(kinds)]
        likes, often = self.dice.integers(0, kinds, (people, 2)), self.dice.pareto(1.8, people) + .2
        n = 420_000
        buyers = self.dice.choice(people, n, p=often / often.sum())
        wanted = likes[buyers, (self.dice.random(n) < .4).astype(int)]
        shop = np.empty(n, int)
        for k in range(kinds):
            mine = np.where(wanted == k)[0]
            shop[mine] = self.dice.choice(of[k], len(mine), p=size[of[k]] / size[of[k]].sum())
        days = self.dice.random(n) * DAYS
        for person, s, day in zip(buyers, shop, days):
            self.looks.append((day, names[s], int(person)))
            again = self.dice.random()
            if again < .25:  # the goods come back, or a question
                self.looks.append((day + 3 + 7 * self.dice.random(), names[s], int(person)))
            elif again < .3:  # the platform's own people
                self.looks.append((day + 2 * self.dice.random(), f"V{self.dice.integers(0, 20):02d}", int(person)))
        self.looks = [x for x in self.looks if x[0] < DAYS]
        self.aside = ("V",)
        risk = self.dice.lognormal(0, .6, kinds)
        self.fraud(people, .01, often ** .5 * risk[likes].mean(axis=1))

    def leak(self, n, delay):
        of = {}
        for look in self.looks:
            of.setdefault(look[1], []).append(look)
        busy = sorted(a for a in of if len(of[a]) > 400 and not a.startswith(self.aside or "?"))
        for account in self.dice.choice(busy, n, replace=False):
            begin, share_sold = self.dice.random() * 220, self.dice.uniform(.12, .35)
            until, sold = begin + self.dice.uniform(30, 80), set()
            self.leakers.append(str(account))
            for day, _, person in of[account]:
                if begin <= day < until and person not in sold:
                    sold.add(person)
                    if self.dice.random() < share_sold:
                        self.reports.append((day + self.dice.exponential(delay) + .3, person))

    def lend(self, n, delay, hours):
        """Strangers are looked up under lent logins, each on a device of the borrower's."""
        of, people = {}, max(look[2] for look in self.looks) + 1
        for look in self.looks:
            of[look[1]] = of.get(look[1], 0) + 1
        busy = sorted(a for a in of if of[a] > 400 and not a.startswith(self.aside or "?"))
        for k, account in enumerate(self.dice.choice(busy, n, replace=False)):
            begin, share_sold = self.dice.random() * 220, self.dice.uniform(.15, .4)
            self.leakers.append(str(account))
            for day in range(int(begin), int(begin + self.dice.uniform(30, 80))):
                for _ in range(self.dice.integers(2, 9)):
                    at, person = day + self.dice.uniform(*hours), int(self.dice.integers(0, people))
                    self.looks.append((at, str(account), person))
                    self.strange[at, str(account)] = k
                    if self.dice.random() < share_sold:
                        self.reports.append((at + self.dice.exponential(delay) + .3, person))
        self.looks.sort()

    def devices(self):
        """The device of each look-up: one's own desk, one in eight a colleague's, or any seat of the day."""
        dice, beside, seat = np.random.default_rng(7), {}, {}
        for account, outlet in self.staff:
            beside.setdefault(outlet, []).append(account)
        outlet = dict(self.staff)
        for day, account, _ in self.looks:
            if (day, account) in self.strange:
                yield f"X{self.strange[day, account]}"
            elif self.seats:
                yield seat.setdefault((account, int(day)), f"seat{dice.integers(0, 500):03d}")
            elif account in outlet and dice.random() < .12:
                yield f"desk-{dice.choice(beside[outlet[account]])}"
            else:
                yield f"desk-{account}"

    def calls(self, wait, turn=None):
        """Victims call as soon as they are harmed, and file a report later; the same desks have other work, too, or clerks take them in turns."""
        clerks = sorted({look[1] for look in self.looks} - set(self.leakers))
        on_duty = self.dice.permutation(clerks) if turn else None
        harmed, self.reports, self.between = self.reports, [], []
        for day, person in harmed:
            filed = day + self.dice.exponential(wait)
            called = min(day + self.dice.exponential(.05), (day + filed) / 2)
            self.reports.append((filed, person))
            self.between.append((called, filed, person))
            if filed < DAYS and self.dice.random() < .6:
                desk = int(self.dice.integers(0, 12))
                who = str(on_duty[int(called // turn) * 12 + desk]) if turn else f"F{desk:02d}"
                self.looks.append((called, who, person))
        for day in self.working(9000):
            self.looks.append((day, f"F{self.dice.integers(0, 12):02d}", int(self.dice.integers(0, 150_000))))
        self.looks.sort()

    def statements(self, one):
        """Half of all victims come to their branch for statements, after any call and before the report is filed."""
        names, branch, home = self.at_branch
        for called, filed, person in self.between:
            came = called + self.dice.random() * (filed - called)
            if filed < DAYS and self.dice.random() < .5:
                first, last = np.searchsorted(branch, [home[person], home[person] + 1])
                who = names[first if one else self.dice.integers(first, last)]
                if who not in self.leakers:
                    self.looks.append((came, who, person))
        self.looks.sort()

    def write(self, folder):
        os.makedirs(folder)

        def table(name, head, rows):
            with open(os.path.join(folder, name), "w", newline="", encoding="utf-8") as f:
                out = csv.writer(f)
                out.writerow(head)
                out.writerows(rows)

        def at(day):
            return f"{START + np.timedelta64(int(day * 86400), 's')}+08:00"

        def number(person):
            return "13" + str(100_000_000 + person * 7 % 900_000_000)
        table("access.csv", ["ts", "source", "seq", "account", "action", "subject", "device"],
              ((at(d), "app", i, a, "view", number(p), x) for i, ((d, a, p), x) in enumerate(zip(self.looks, self.devices()))))
        table("staff.csv", ["valid_from", "source", "seq", "account", "role", "outlet"],
              ((at(-200), "hr", i, a, "clerk", o) for i, (a, o) in enumerate(self.staff)))
        table("fraud_report.csv", ["ts", "source", "seq", "case", "victim"],
              ((at(d), "police", i, f"K{i:05d}", number(p)) for i, (d, p) in enumerate(self.reports)))


def run(name, seed):
    base = os.path.join(FOLDER, "holder")
    shutil.rmtree(base, ignore_errors=True)
    hours = next((hours for ending, hours in LENT.items() if name.endswith(ending)), None)
    statements = next((one for ending, one in STATEMENTS.items() if name.endswith(ending)), None)
    holder = Holder(*WORLDS[name], seed=seed, lent=hours, statements=statements)
    records = os.path.join(base, "records")
    holder.write(records)
    common = ["--data", os.path.join(base, "data"), "--keys", os.path.join(base, "keys"), "--quiet"]
    for command in (["init"], ["ingest", records], ["detect"]):
        subprocess.run([SUYUAN, *command, *common], check=True, stdout=subprocess.DEVNULL)
    told = subprocess.run([SUYUAN, "trace", "--all", "--format", "json", *common], check=True, stdout=subprocess.PIPE)
    trace = json.loads(told.stdout)
    shutil.rmtree(base)
    own = set(holder.leakers)
    listed = {s["entity"]["id"] for s in trace["sources"] if s["listed"]}
    strange = {a: f"X{k}" for k, a in enumerate(holder.leakers)} if hours else {}
    finer = {s["entity"]["id"]: [e["id"] for e in s["finer"] if e["kind"] == "device"] for s in trace["sources"] if s["listed"]}
    suspects = {e["id"] for o in trace["operators"] for e in o["operator"] if e["kind"] == "account"}
    likely = {s["entity"]["id"] for s in trace["sources"] if s["probability"] >= .5} - listed - own
    desks = [x["en"] for x in trace["limits"] if "looked up victims within days" in x["en"]]
    return {"looks": len(holder.looks), "reports": len(holder.reports), "leakers": len(own), "right": len(listed & own),
            "wrong": len(listed - own),
            "terminals": sum(finer.get(a) == [x] for a, x in strange.items()), "found": len(listed & set(strange)),
            "strange": sum(bool(d) for a, d in finer.items() if a not in strange), "hands": len(suspects - own),
            "likely": len(likely), "desks": int(desks[0].split()[0]) if desks else 0}


def main():
    seeds = [int(s) for s in option("--seeds", SEEDS).split(",")]
    lines = ["| holder | look-ups | reports | leakers listed | others listed | others at .5 or more | desks | borrower's device named | device named where none was lent | "
             "others told as operators |", "|---|---|---|---|---|---|---|---|---|---|"]
    for name in option("--worlds", ";".join(WORLDS)).split(";"):
        runs = [run(name, s) for s in seeds]

        def add(key):
            return sum(r[key] for r in runs)
        found = share(add("right"), add("leakers"), 0) if add("leakers") else "–"
        line = (f"| {name} | {add('looks') // len(runs):,} | {add('reports') // len(runs):,} | {found} | {add('wrong')} "
                f"| {add('likely')} | {add('desks')} | {share(add('terminals'), add('found'), 0) if add('found') else '–'} "
                f"| {add('strange')} | {add('hands')} |")
        print(line, file=sys.stderr, flush=True)
        lines.append(line)
    used = " ".join(a for a in sys.argv[3:] if a != "--write")
    lines = [ABOUT.strip("\n").replace("{options}", f" {used}" if used else ""), f"\nSeeds {', '.join(map(str, seeds))} together.\n", *lines]
    publish(TITLE, lines, "--write" in sys.argv)


if __name__ == "__main__":
    main()
