"""What all made-up carriers share: shops, accounts, sales, logins and the files that come of them.

A carrier says its habits in a subclass; rings, gangs and insiders (`rings.py`) act through the same methods, so that
their rows differ from honest ones in what they do and in nothing else.
"""

import csv
import os
from collections import defaultdict

import numpy as np

from carriers.people import PLACES, People

DAY = 86400
CLOCK = 8 * 3600  # UTC+8


def stamp(t):
    return f"{np.datetime64(int(t) + CLOCK, 's')}+08:00"


class Shop:
    def __init__(self, outlet, agent, region, spread, dice, head):
        self.outlet, self.agent, self.region, self.head = outlet, agent, region, head
        lat, lon = PLACES[region]
        self.lat, self.lon = lat + spread * dice.normal(), lon + spread * dice.normal()
        self.net = f"10.{dice.integers(20, 250)}.{dice.integers(0, 250)}"
        self.cards, self.accounts, self.devices = defaultdict(list), [], []


class Place:
    """Where somebody works: position, region, addresses of the network and the region these seem to come from."""

    def __init__(self, region, lat, lon, net, net_region=None, cell=None):
        self.region, self.lat, self.lon, self.net = region, lat, lon, net
        self.net_region, self.cell = net_region or region, cell or region


class Carrier:
    # Set by each carrier.
    START, DAYS, OPERATOR, PROVINCE, HEAD = "2023-01-01", 182, "00", 1, "134"
    OPENING = ()  # fields of its openings
    KINDS = ()  # kinds of records it hands over
    OVERRIDES = True  # whether changes of location are logged

    def __init__(self, seed):
        self.dice = np.random.default_rng([seed, sum(map(ord, type(self).__name__))])
        self.start = int(np.datetime64(self.START, "s").astype(int)) - CLOCK
        self.end = self.start + self.DAYS * DAY
        self.people = People(self.dice, self.OPERATOR)
        self.rows, self.sales, self.shops = defaultdict(list), [], []
        self.gang_use = {}  # card: its rows of use, where a gang has it
        self.uses = {}  # card: (kind of use, opened, region, handset)
        self.causes = defaultdict(list)  # honest habits, by the ids that show them
        self.groups, self.fraud = [], []
        self.build()

    # Instants

    def at(self, day, begin=9.0, end=18.5):
        """A moment of a day within opening hours, most of them late in the morning and the afternoon."""
        hour = begin + (end - begin) * self.dice.beta(1.6, 1.5)
        return int(self.start + int(day) * DAY + hour * 3600)

    def day(self, t):
        return int((t - self.start) // DAY)

    def here(self, shop, off=.0005, net=None, net_region=None, cell=None):
        return Place(shop.region, shop.lat + off * self.dice.normal(), shop.lon + off * self.dice.normal(),
                     net or shop.net, net_region, cell)

    # Rows

    def row(self, record, t, /, **fields):
        self.rows[record].append((int(t), {k: v for k, v in fields.items() if v not in (None, "")}))

    def blank(self, shop, account, t):
        """The next blank card of an account's lot; a new one is allocated to the shop when it runs out."""
        own = shop.cards[account]
        if not own:
            lot = [self.people.iccid(self.PROVINCE) for _ in range(int(self.dice.choice([10, 20, 50])))]
            self.row("stock_move", max(t - int(self.dice.uniform(2, 12) * DAY), self.start - 20 * DAY), card_from=lot[0], card_to=lot[-1],
                     **{"from": "warehouse", "to": shop.outlet}, kind="allocate")
            own += lot[::-1]
        return own.pop()

    def sell(self, t, shop, account, device, place, person, use="phone", handset=None, lot=None, **more):
        """Opens a card; what the carrier does not record is left out when the files are written."""
        dice, card = self.dice, self.blank(shop, lot or account, t)
        took = int(np.clip(dice.lognormal(5.2, .5), 60, 2400))
        fields = dict(card=card, msisdn=self.people.mobile(self.HEAD), subject=person, account=account, device=device, outlet=shop.outlet,
                      region6=shop.region, gps_source="device", lat=round(place.lat, 5), lon=round(place.lon, 5), cell_region6=place.cell,
                      ip=f"{place.net}.{2 + (self.day(t) * 7 + hash_of(device)) % 250}", id_read_mode="reader",
                      captured_at=stamp(t - int(took * dice.uniform(.2, .9))), liveness=round(1 - dice.beta(1.5, 18), 3),
                      match_score=round(1 - dice.beta(2, 14), 3), duration_s=took, commission_code=shop.agent, channel="agent",
                      plan=self.PLANS[int(dice.random() ** 1.6 * len(self.PLANS))])
        fields.update(more)
        self.sales.append((int(t), fields, place))
        self.uses[card] = (use, int(t), fields["region6"], handset)
        if shop.agent:
            month = np.datetime64(int(t) + CLOCK + 31 * DAY, "s").astype("datetime64[M]")
            paid = int(np.datetime64(month, "s").astype(int)) + 9 * DAY
            if paid < self.end:
                self.row("commission", paid, payee=shop.agent, card=card, amount_cny="30.00", month=str(month - 1))
        return card

    def logins(self):
        """One login for each account, device and day with work, before its first opening."""
        groups = defaultdict(list)
        for t, fields, place in self.sales:
            groups[fields["account"], fields.get("device"), self.day(t)].append((t, fields, place))
        for n, ((account, device, _), own) in enumerate(sorted(groups.items(), key=lambda g: (g[1][0][0], str(g[0])))):
            own.sort(key=lambda s: s[0])
            session, place = f"s{n:07d}", own[0][2]
            for _, fields, _ in own:
                fields["session"] = session
            begin = own[0][0] - int(self.dice.uniform(2, 70) * 60)
            until = own[-1][0] + int(self.dice.uniform(3, 120) * 60)
            if self.dice.random() < .04:
                self.row("login", begin - 40, account=account, device=device, ip=own[0][1].get("ip"), region6=place.net_region, result="failed")
            self.row("login", begin, account=account, device=device, session=session, ip=own[0][1].get("ip"),
                     region6=place.net_region, result="ok", until=stamp(until))

    def aftermath(self):
        """Re-verification and complaints of the ordinary kind, and fraud that has no gang behind it."""
        dice = self.dice
        for t, fields, _ in self.sales:
            later = t + int(dice.uniform(15, 120) * DAY)
            if later > self.end:
                continue
            luck = dice.random()
            if luck < .008:
                self.row("reverification", later, card=fields["card"], subject=fields["subject"], method="face",
                         result="passed" if dice.random() < .9 else ("absent" if dice.random() < .7 else "failed"))
            elif luck < .0085:
                self.row("complaint", later, card=fields["card"], subject=fields["subject"], kind="wrongly_stopped")
            elif luck < .009:
                self.fraud.append(fields["card"])
                self.uses[fields["card"]] = ("fraud", later, fields["region6"], None)
                self.report(fields["card"], later)

    def report(self, card, t):
        t += int(self.dice.uniform(1, 9) * DAY)
        if t < self.end:
            n = len(self.rows["fraud_report"])
            self.row("fraud_report", t, case=f"FR{self.PROVINCE:02d}{n:05d}", card=card, loss_cny=f"{self.dice.lognormal(10, 1):.2f}", kind="impersonation")

    # Files

    def write(self, folder):
        """The files of a carrier: some kinds in one file, some by month, with its gaps and repetitions."""
        os.makedirs(folder)
        for t, fields, _ in self.sales:
            self.row("opening", t, **{k: v for k, v in fields.items() if k in self.OPENING})
        self.mess()
        for kind in [k for k in self.KINDS if self.rows[k]]:
            rows = sorted(self.rows[kind], key=lambda r: r[0])
            first = "valid_from" if kind in ("staff", "outlet", "terminal") else "ts"
            head = ["source", "seq", first]
            for _, fields in rows:
                head += [k for k in fields if k not in head]
            parts = defaultdict(list)
            for n, (t, fields) in enumerate(rows):
                whole = {"source": f"{self.SOURCE}-{kind}", "seq": n, first: stamp(t), **fields}
                month = str(np.datetime64(t + CLOCK, "s").astype("datetime64[M]"))
                parts[f"{kind}-{month}" if kind in ("login", "access") else kind].append([whole.get(k, "") for k in head])
            for name, part in parts.items():
                self.table(folder, name, head, part)
        if "usage" in self.KINDS:
            from carriers.usage import HEAD, usage
            self.table(folder, "usage", HEAD, usage(self))

    def table(self, folder, name, head, rows):
        with open(os.path.join(folder, f"{name}.csv"), "w", newline="", encoding="utf-8") as f:
            out = csv.writer(f)
            out.writerow(head)
            out.writerows(rows)

    def mess(self):
        pass

    def truth(self, world, seed):
        """In the form that `eval_detect.py` compares with."""
        return {"world": world, "size": type(self).__name__.lower(), "seed": seed, "groups": self.groups, "background_fraud_cards": self.fraud,
                "days": [self.START, str(np.datetime64(self.START) + self.DAYS - 1)], "lookalikes": dict(self.causes)}


def hash_of(text):
    return sum((i + 1) * ord(c) for i, c in enumerate(str(text))) % 251
