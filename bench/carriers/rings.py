"""What guilty people do at a carrier: rings after the reference case, gangs that use cards, insiders who look people up.

A ring gets the login of an agent, who goes on with his honest sales. Hands of a labour company far away give card and face for a
"health check"; days later their cards are opened in the agent's name from there, with a false place. How, differs:

plain: the gang's own laptop and network, place changed by hand in each session;
night: the same between ten at night and two;
vpn: the laptop seems to stand in the shop (its network, its position), no change is logged;
turns: six logins of three agents, a few days each;
slow: two cards a day;
mixed: half of the cards through the computer of the shop itself, at the pace and hours of its own sales.
"""

import numpy as np

from carriers import usage
from carriers.carrier import DAY, Place, stamp
from carriers.people import PLACES

GANGS = (("320583", "112.80"), ("320506", "114.218"), ("320282", "117.60"), ("310117", "101.80"))
PLAIN = (("plain", 60, 3), ("plain", 400, 6), ("plain", 2000, 18))
OTHERWISE = (("night", 400, 6), ("vpn", 400, 6), ("turns", 400, 8), ("slow", 150, 2), ("mixed", 400, 5))


class Ring:
    def __init__(self, carrier, n, kind, cards, pace, shops):
        self.carrier, self.kind, self.cards, self.pace = carrier, kind, cards, pace
        self.dice, self.shops = np.random.default_rng([carrier.dice.integers(1 << 30), n]), shops
        region, net = GANGS[n % len(GANGS)]
        lat, lon = PLACES[region]
        self.far = Place(region, lat, lon, net)
        dice = self.dice
        self.lent = [(s, a) for s in shops for a in s.accounts[: 2 if kind == "turns" else 1]]
        self.laptops = [f"w{dice.integers(1 << 40):010x}" for _ in range(2 + cards // 800)]
        self.phones = [carrier.people.mobile("150") for _ in range(3)]
        self.opened, self.subjects, self.first = [], [], None
        self.name = f"{kind} {cards}"

    def collect(self, until, n):
        """Hands of the labour company, taken in groups on a day: person and the moment of the capture."""
        found = []
        while len(found) < n:
            t = until - int(self.dice.uniform(.7, 5) * DAY)
            for k in range(int(self.dice.integers(8, 40))):
                found.append((self.carrier.people.far(19, 52), t + k * 70))
        return found

    def run(self, begin):
        carrier, dice, day, done = self.carrier, self.dice, begin, 0
        people = []
        while done < self.cards and day < carrier.DAYS - 2:
            today = min(int(dice.poisson(self.pace)), self.cards - done) if dice.random() < .85 else 0
            if today:
                shop, account = self.lent[(day // 4) % len(self.lent)]
                t = carrier.start + day * DAY + int(({"night": 22.2, "mixed": 10}.get(self.kind, 13) + dice.uniform(0, 2.5)) * 3600)
                if len(people) < today:
                    people += self.collect(t, 3 * today)
                self.session(t, shop, account, [people.pop(0) for _ in range(today)], day)
                done += today
            day += 1
        self.after()
        return self.group()

    def session(self, t, shop, account, people, day):
        """One sitting: the place is changed first, then card after card."""
        carrier, dice = self.carrier, self.dice
        device = self.laptops[int(dice.random() ** 2 * len(self.laptops))]
        place, source, lat, lon = self.far, "manual", shop.lat, shop.lon
        own = self.kind == "mixed" and day % 2 == 0
        if self.kind == "vpn" or own:
            place, source = carrier.here(shop, 0), "device"
        elif carrier.OVERRIDES:
            carrier.row("account_change", t - 200, account=account, target=account, change="location_override", old=self.far.region, new=shop.region, device=device)
        if own:
            device = list(shop.devices.values())[0] if isinstance(shop.devices, dict) else shop.devices[0]
        for person, taken in people:
            face = f"g{dice.integers(1 << 40):010x}"
            if self.first is None:
                self.first = t - 300
            for _ in range(1 if dice.random() < .85 else 2):
                if len(self.opened) >= self.cards:
                    break
                more = {"gps_source": source, "lat": round(lat, 5), "lon": round(lon, 5), "cell_region6": None if self.kind == "vpn" else place.cell,
                        "captured_at": stamp(taken), "id_read_mode": "manual" if dice.random() < .5 else "nfc", "duration_s": int(dice.uniform(18, 70)),
                        "liveness": round(1 - dice.beta(3, 9), 3), "match_score": round(1 - dice.beta(3, 12), 3), "plan": carrier.PLANS[0],
                        "employer": "劳务派遣" if dice.random() < .4 and not own else None, "background_hash": f"wall{self.kind}{self.far.region}",
                        "contact": self.phones[dice.integers(0, 3)] if dice.random() < .4 else None, "face_ref": face,
                        "image_hash": f"{dice.integers(1 << 60):015x}"}
                if dice.random() < .4:
                    more["address"] = "工业园宿舍"
                card = carrier.sell(t, shop, account, device, place, person, "nursed", lot=f"{account} lent", **more)
                self.opened.append((card, t, person))
                self.subjects.append(person)
                t += int(dice.uniform(60, 260))

    def after(self):
        """The cards go to modems; 1.57 % are used in fraud, some people complain, some fail when verified anew."""
        carrier, dice = self.carrier, self.dice
        pool = usage.modems(carrier, max(4, self.cards // 24))
        for card, t, person in self.opened:
            burst = None
            if dice.random() < .0157 * (3 if self.cards < 100 else 1):
                burst = carrier.day(t) + int(dice.uniform(20, 60))
                if burst < carrier.DAYS - 5:
                    carrier.report(card, carrier.start + burst * DAY + DAY // 2)
            some = pool[int(card[-4:-1]) % len(pool):][:8]
            carrier.gang_use[card] = usage.nursed(carrier, t, self.far.region, some, 6, burst)
            later = t + int(dice.uniform(20, 90) * DAY)
            if later < carrier.end and dice.random() < .02:
                carrier.row("reverification", later, card=card, subject=person, method="face", result="failed" if dice.random() < .8 else "absent")
            if later < carrier.end and dice.random() < .006:
                carrier.row("complaint", later, card=card, subject=person, kind="not_mine")

    def group(self):
        shops = self.shops
        return {"id": self.name, "schemes": ["ring"], "cards": [c for c, _, _ in self.opened], "accounts": [a for _, a in self.lent],
                "devices": list(self.laptops), "outlets": [s.outlet for s in shops], "agents": [s.agent for s in shops if s.agent],
                "others": self.phones + own_devices(shops), "subjects": sorted(set(self.subjects)), "first": stamp(self.first)}


def own_devices(shops):
    return [d for s in shops for d in (s.devices.values() if isinstance(s.devices, dict) else s.devices)]


def plain(carrier):
    return rings(carrier, PLAIN)


def otherwise(carrier):
    """Rings that work otherwise, gangs that only use cards, and insiders."""
    rings(carrier, OTHERWISE)
    if "usage" in carrier.KINDS:
        users(carrier)
    if "access" in carrier.KINDS:
        insiders(carrier)


def rings(carrier, kinds):
    shops = list(carrier.lendable())
    carrier.dice.shuffle(shops)
    for n, (kind, cards, pace) in enumerate(kinds):
        own = [shops.pop() for _ in range(3 if kind == "turns" else 1)]
        longest = carrier.DAYS - int(cards / pace * 1.2) - 12
        carrier.groups.append(Ring(carrier, n, kind, cards, pace, own).run(int(carrier.dice.integers(8, max(9, min(60, longest))))))


def users(carrier):
    """Cards bought up from honest buyers: in a gateway, silent and then dialling, carried abroad."""
    dice = carrier.dice
    ordinary = [c for c, (use, t, _, _) in carrier.uses.items() if use in ("phone", "spare") and 20 < carrier.day(t) < 90 and c not in carrier.fraud]
    taken = [ordinary[i] for i in dice.choice(len(ordinary), 220, replace=False)]
    region = carrier.shops[3].region

    def group(name, cards, first, **ids):
        none = {"accounts": [], "devices": [], "outlets": [], "agents": [], "others": [], "subjects": []}
        carrier.groups.append({"id": name, "schemes": [name], "cards": cards, "first": stamp(carrier.start + first * DAY), **none, **ids})
    pool = usage.modems(carrier, 8)
    for card in taken[:80]:
        carrier.gang_use[card] = usage.gateway(pool, 100, 45, region, f"c{region}777")
    group("gateway", taken[:80], 99, others=[*pool, f"c{region}777"])
    for card in taken[80:140]:
        carrier.gang_use[card] = usage.dormant(carrier, carrier.day(carrier.uses[card][1]), 130 + int(dice.integers(0, 12)), region)
    group("dormant then burst", taken[80:140], 129)
    shop = next(s for s in carrier.lendable() if s.outlet not in {o for g in carrier.groups for o in g["outlets"]})
    account, network, cards = shop.accounts[-1], ("45702", "LA"), []
    device = list(shop.devices.values())[-1] if isinstance(shop.devices, dict) else shop.devices[-1]
    for day in range(70, 85):
        for _ in range(dice.poisson(4)):
            cards.append(carrier.sell(carrier.at(day), shop, account, device, carrier.here(shop), carrier.people.person(shop.region, 18, 30),
                                      lot="abroad"))
            carrier.gang_use[cards[-1]] = usage.abroad(carrier, day, network)
    group("abroad", cards, 70, accounts=[account], outlets=[shop.outlet], agents=[shop.agent], others=own_devices([shop]))


def insiders(carrier):
    """One takes hundreds a night for ten days, one forty a day beside the work for two months; nobody asked for any."""
    dice = carrier.dice
    persons = [f["subject"] for _, f, _ in carrier.sales]
    for name, account, days, count, hours in (("look-ups by night", carrier.callers[2], range(60, 70), 300, (21.5, 23.9)),
                                              ("look-ups beside the work", carrier.callers[5], range(90, 150), 40, (9, 21))):
        device = f"{'WS' if 'crm' in carrier.SOURCE else 'D'}{account}"
        for day in days:
            for i in dice.choice(len(persons), count, replace=False):
                carrier.look(carrier.at(day, *hours), account, device, persons[i], None, "id_number;phone;address")
        carrier.groups.append({"id": name, "schemes": ["lookup"], "cards": [], "accounts": [account], "devices": [device], "outlets": [], "agents": [],
                               "others": [], "subjects": [], "first": stamp(carrier.start + days[0] * DAY)})
