"""An online seller without halls: couriers deliver and activate, other customers activate in the app on their own telephones.

One account stands for the app: thousands of devices, all hours, all addresses. Couriers open at the doors of their districts, in
dormitories and offices a dozen at a time, until late. The face is often taken days before, with the order. On November 11 and the days after,
four times as much is sold. No logins, terminals, shifts, hours or positions of outlets are handed over; handsets tell zeros in a third of the rows
of use, a constant stands for contacts not given, and the courier's app is replaced in mid-year with new device names.
"""

import numpy as np

from carriers.carrier import DAY, Carrier, Place, Shop, stamp
from carriers.people import PLACES

AREAS = ("440304", "440305", "440306", "440307", "441302", "440106", "440111", "440604", "440606", "440113")
RENAMED = 100


class Online(Carrier):
    SOURCE, START, OPERATOR, PROVINCE, HEAD = "shop-o", "2023-08-01", "03", 44, "170"
    PLANS = ("net 19", "net 39", "net 9")
    KINDS = ("staff", "outlet", "work_order", "access", "stock_move", "opening", "card_change", "commission", "usage", "fraud_report", "reverification",
             "complaint")
    OPENING = ("card", "msisdn", "subject", "account", "device", "outlet", "region6", "gps_source", "lat", "lon", "cell_region6", "ip", "id_read_mode",
               "captured_at", "liveness", "match_score", "face_ref", "address", "contact", "plan", "channel", "commission_code")
    OVERRIDES = False

    def build(self):
        dice, since = self.dice, self.start - 200 * DAY
        self.elsewhere, self.faces = ("440402", "445102", "440512", "441802"), 0
        for n in range(16):
            region = AREAS[n % len(AREAS)]
            shop = Shop(f"ST{n:02d}", f"EX{n // 2:02d}", region, .03, dice, self.HEAD)
            shop.accounts = [f"ex{n:02d}{k:02d}" for k in range(9)]
            shop.devices = {a: f"m{dice.integers(1 << 44):011x}" for a in shop.accounts}
            self.shops.append(shop)
            self.row("outlet", since, outlet=shop.outlet, agent=shop.agent, region6=region)
            for a in shop.accounts:
                self.row("staff", since, account=a, role="courier", outlet=shop.outlet, agent=shop.agent, region6=region)
        self.row("staff", since, account="APP", role="app", outlet="WEB", region6="440305")
        self.row("outlet", since, outlet="WEB", region6="440305")
        self.causes["the app's own account"] += ["APP", "WEB"]
        self.web = Shop("WEB", None, "440305", 0, dice, self.HEAD)
        for shop in self.shops:
            for account in shop.accounts:
                self.courier(shop, account)
        self.app()
        self.looks(since)

    def season(self, day):
        return 4 if 98 <= day <= 108 else 1.0

    def customer(self):
        dice = self.dice
        person = self.people.far(18, 45) if dice.random() < .55 else self.people.person(AREAS[dice.integers(0, len(AREAS))], 16, 65)
        return person, str(dice.choice(["phone", "heavy", "spare", "tablet", "courier", "office"], p=[.5, .3, .1, .05, .04, .01]))

    def more(self, t, person):
        dice = self.dice
        self.faces += 1
        fields = {"face_ref": f"of{self.faces:07d}", "address": f"{dice.integers(0, 90000)}号", "id_read_mode": "nfc",
                  "contact": "13800000000" if dice.random() < .08 else self.people.mobile("135")}
        if dice.random() < .3:
            fields["captured_at"] = stamp(t - int(dice.uniform(.8, 4) * DAY))
        return fields

    def courier(self, shop, account):
        dice, rate = self.dice, self.dice.gamma(4, .2)
        swap = int(dice.integers(20, 170)) if dice.random() < .3 else None
        newer = f"m{dice.integers(1 << 44):011x}"
        for day in range(self.DAYS):
            device = newer if swap is not None and day >= swap else shop.devices[account]
            if dice.random() < .004:  # a dormitory or an office: a dozen at one door
                lat, lon = shop.lat + .05 * dice.normal(), shop.lon + .05 * dice.normal()
                t, address = self.at(day, 11, 20), f"{shop.outlet}宿舍{dice.integers(0, 9)}"
                for k in range(int(dice.integers(8, 26))):
                    person, use = self.people.far(18, 35), "phone"
                    self.sell(t + k * 150, shop, account, device, Place(shop.region, lat, lon, f"100.80.{k}"), person, use,
                              **{**self.more(t, person), "address": address}, channel="courier")
                self.causes["a dozen at one door"].append(account)
            for _ in range(dice.poisson(rate * self.season(day))):
                t, (person, use) = self.at(day, 8.5, 22), self.customer()
                place = self.here(shop, .04, f"100.81.{dice.integers(0, 250)}")
                if dice.random() < .06:
                    place.cell = AREAS[dice.integers(0, len(AREAS))]
                self.sell(t, shop, account, device, place, person, use, **self.more(t, person), channel="courier")

    def app(self):
        dice = self.dice
        for day in range(self.DAYS):
            for _ in range(dice.poisson(45 * self.season(day))):
                t = self.start + day * DAY + int((dice.normal(16, 5) % 24) * 3600)
                region = AREAS[dice.integers(0, len(AREAS))]
                person, use = self.customer()
                lat, lon = PLACES[region]
                place = Place(region, lat + .1 * dice.normal(), lon + .1 * dice.normal(), f"{dice.integers(110, 125)}.{dice.integers(0, 250)}.{dice.integers(0, 250)}")
                more = self.more(t, person)
                if dice.random() < .5:
                    more.update(gps_source=None, lat=None, lon=None)
                device = f"u{dice.integers(1 << 44):011x}"
                for k in range(2 if dice.random() < .05 else 1):
                    self.sell(t + 400 * k, self.web, "APP", device, place, person, use, region6=region, **more, channel="app")

    def looks(self, since):
        """Eight agents of the help desk and a service account; few look-ups note an order."""
        dice = self.dice
        customers = [f["subject"] for _, f, _ in self.sales]
        self.callers = [f"help{n}" for n in range(8)]
        self.row("outlet", since, outlet="HELP", region6="440305")
        for a in [*self.callers, "svc-sync"]:
            self.row("staff", since, account=a, role="service" if a == "svc-sync" else "help", outlet="HELP", region6="440305")
        self.causes["service account"].append("svc-sync")
        for day in range(self.DAYS):
            for a in self.callers:
                for _ in range(dice.poisson(22) if dice.random() < .7 else 0):
                    self.look(self.at(day, 8, 23), a, f"D{a}", customers[dice.integers(0, len(customers))], None)
            self.row("access", self.start + day * DAY + 7200, account="svc-sync", app="sync", action="export", rows=int(dice.integers(2000, 2600)), object="orders",
                     result="ok", categories="phone;address")

    def look(self, t, account, device, subject, order, categories="phone;address", action="view"):
        self.row("access", t, account=account, device=device, app="help", action=action, subject=subject, result="ok", categories=categories, order=order)

    def usage_row(self, dice, row):
        if dice.random() < .33:
            row = ["000000000000000", *row[1:]]
        return row

    def lendable(self):
        return self.shops

    def mess(self):
        dice = self.dice
        for t, fields in self.rows["opening"]:
            if self.day(t) >= RENAMED and fields.get("device", "").startswith("m"):
                fields["device"] = "x2" + fields["device"]
            for name, gone in (("device", .02), ("match_score", .3), ("cell_region6", .3), ("captured_at", .1), ("address", .2)):
                if dice.random() < gone:
                    fields.pop(name, None)
        for group in self.groups:
            group["devices"] += ["x2" + i for i in group["devices"] if i.startswith("m")]
        rows = self.rows["opening"]
        again = dice.choice(len(rows), len(rows) // 200, replace=False)
        self.rows["opening"] = rows + [(rows[i][0] + 1, dict(rows[i][1])) for i in np.sort(again)]
