"""People, places, cards and handsets for the carriers of `cargo xtask eval carriers`."""

import csv
import os

ROOT = os.environ.get("SUYUAN_ROOT", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
# Counties that people leave for work, from many provinces.
FAR = ("341221,341222,341522,411525,411381,421083,422801,430524,431222,450921,500101,500235,511322,511722,520221,520423,530324,"
       "530627,610929,620525,622921,630121,640422,360732,371722,130634,141125,220182,230183,450981").split(",")
HANDSETS = ("86812304", "35891108", "86443705", "86017506", "35299711", "86557804", "86920106", "35407215")
MODEMS = ("86175800", "86391003")


def places():
    """Latitude and longitude of the seats of counties."""
    with open(os.path.join(ROOT, "data", "ref", "adcode-coordinates.csv"), encoding="utf-8") as f:
        return {r["adcode"][:6]: (float(r["latitude"]), float(r["longitude"])) for r in csv.DictReader(f) if r["latitude"]}


PLACES = places()


def luhn(digits):
    total = 0
    for i, d in enumerate(reversed(digits)):
        v = int(d) * (2 if i % 2 == 0 else 1)
        total += v - 9 if v > 9 else v
    return digits + str(-total % 10)


class People:
    """Makes persons, cards and handsets, none of them twice."""

    def __init__(self, dice, operator):
        self.dice, self.operator = dice, operator
        self.ids, self.card, self.number = set(), 0, 0

    def person(self, home, youngest=18, oldest=70, year=2023):
        """An identity number of a county, checked as GB 11643 says."""
        while True:
            age = youngest + (oldest - youngest) * self.dice.beta(1.3, 1.9)
            born = year - age
            month, day = self.dice.integers(1, 13), self.dice.integers(1, 29)
            head = f"{home}{int(born):04d}{month:02d}{day:02d}{self.dice.integers(1, 1000):03d}"
            tail = "10X98765432"[sum(int(d) * w for d, w in zip(head, WEIGHTS)) % 11]
            if head + tail not in self.ids:
                self.ids.add(head + tail)
                return head + tail

    def far(self, youngest=18, oldest=55):
        return self.person(FAR[int(len(FAR) * self.dice.random() ** 1.5)], youngest, oldest)

    def iccid(self, province):
        self.card += 1
        return luhn(f"8986{self.operator}23{province:02d}1{self.card:08d}")

    def mobile(self, head):
        self.number += 1
        return f"{head}{(self.number * 7919 + 104729) % 100_000_000:08d}"

    def handset(self, tacs=HANDSETS):
        return luhn(f"{tacs[self.dice.integers(0, len(tacs))]}{self.dice.integers(0, 1_000_000):06d}")
