"""A province of village shops.

A shop has one account, shared by the family on its computer and two telephones, at home, at the fairs of other villages and, in some
families, in the next county. Addresses are those of a village, a shop's own number stands in as contact, the network's address often
seems to come from the provincial capital. Some shops serve works whose hands come from far away. In the weeks around Spring Festival
four times as much is sold. No list of terminals, no shifts, no hours, no use of cards and no look-ups are handed over. Computers get a
new fingerprint when set up anew, and some telephones tell none but zeros.
"""

import numpy as np

from carriers.carrier import DAY, Carrier, Shop, stamp
from carriers.people import PLACES

COUNTIES = ("411621", "411622", "411623", "411624", "411625", "411627", "411628", "411681")
CAPITAL = "410105"


class Village(Carrier):
    SOURCE, START, OPERATOR, PROVINCE, HEAD = "bss-v", "2023-11-01", "00", 41, "188"
    PLANS = ("village 8", "village 19", "family 59")
    KINDS = ("staff", "outlet", "login", "account_change", "stock_move", "opening", "commission", "fraud_report", "reverification", "complaint")
    OPENING = ("card", "msisdn", "subject", "account", "device", "session", "outlet", "region6", "gps_source", "lat", "lon", "cell_region6", "ip",
               "id_read_mode", "captured_at", "match_score", "employer", "address", "contact", "plan", "channel", "duration_s", "commission_code")

    def build(self):
        dice, since = self.dice, self.start - 400 * DAY
        self.elsewhere = ("411602", "410105", "341221")
        for n in range(130):
            region = COUNTIES[n % len(COUNTIES)]
            shop = Shop(f"V{n:03d}", f"AG{n if n > 9 else n // 3:03d}", region, .11, dice, self.HEAD)
            shop.accounts = [f"v{41000 + n * 7}"]
            shop.devices = [f"pc-{dice.integers(1 << 40):010x}", f"ph-{dice.integers(1 << 40):010x}", f"ph-{dice.integers(1 << 40):010x}"]
            shop.rate, shop.number = dice.gamma(3, .4), self.people.mobile(self.HEAD)
            shop.village, shop.works = f"{region}第{n}村", n % 33 == 5
            shop.fair = dice.random() < .25
            shop.kin = COUNTIES[(n + 1) % len(COUNTIES)] if n % 31 == 9 else None
            self.shops.append(shop)
            fields = {} if dice.random() < .3 else {"lat": round(shop.lat, 4), "lon": round(shop.lon, 4)}
            self.row("outlet", since, outlet=shop.outlet, agent=shop.agent, region6=region, contract_no=f"C{n:04d}", **fields,
                     visited_on="" if dice.random() < .4 else "2023-06-15")
            self.row("staff", since, account=shop.accounts[0], role="agent", outlet=shop.outlet, agent=shop.agent, region6=region,
                     holder=self.people.person(region, 25, 60), supervisor=f"m{region}")
            self.causes["account shared by a family"].append(shop.accounts[0])
            for where in ["works with hands from far away"] * shop.works + ["kin in the next county"] * bool(shop.kin):
                self.causes[where] += [shop.accounts[0], shop.outlet]
        for region in COUNTIES:
            self.row("staff", since, account=f"m{region}", role="supervisor", outlet=f"HALL{region}", region6=region)
            self.row("outlet", since, outlet=f"HALL{region}", region6=region)
        for shop in self.shops:
            self.serve(shop)

    def season(self, day):
        return 4 if 80 <= day <= 112 else 1.0

    def serve(self, shop):
        dice = self.dice
        anew = int(dice.integers(20, 160)) if dice.random() < .3 else None
        swap = int(dice.integers(20, 160)) if dice.random() < .2 else None
        newer = [f"pc-{dice.integers(1 << 40):010x}", f"ph-{dice.integers(1 << 40):010x}"]
        mute = dice.random() < .06  # a telephone that tells no fingerprint
        for day in range(self.DAYS):
            pc = newer[0] if anew is not None and day >= anew else shop.devices[0]
            phone = newer[1] if swap is not None and day >= swap else shop.devices[1]
            phone = "000000000000000" if mute else phone
            for _ in range(dice.poisson(shop.rate * self.season(day) * (1.5 if shop.works else 1))):
                t, luck = self.at(day, 7.0, 20.5), dice.random()
                capital = CAPITAL if dice.random() < .3 else None
                if luck < .62:
                    place, device, source = self.here(shop, net_region=capital), pc, "cell"
                    more = {"gps_source": source, "lat": None, "lon": None}
                elif shop.fair and day % 5 in (1, 4) and luck < .8:  # the fair of another village
                    place, device, more = self.here(shop, .07, f"100.64.{dice.integers(0, 250)}", capital), phone, {"id_read_mode": "nfc"}
                elif shop.kin and luck < .8 and day % 7 in (3, 4):
                    lat, lon = PLACES[shop.kin]
                    place = self.here(shop, .0005, f"100.65.{dice.integers(0, 250)}", shop.kin, shop.kin)
                    place.lat, place.lon, device, more = lat, lon, shop.devices[2], {"id_read_mode": "nfc"}
                elif luck < .9:
                    place, device, more = self.here(shop, .004, net_region=capital), phone, {}
                else:  # in the evening, at home
                    t = self.at(day, 19.0, 22.5)
                    place, device, more = self.here(shop, .01, f"100.66.{dice.integers(0, 250)}", capital), shop.devices[2], {"id_read_mode": "nfc"}
                if dice.random() < .07:  # masts of the next county
                    place.cell = COUNTIES[dice.integers(0, len(COUNTIES))]
                if dice.random() < .02:  # without network: read now, sent hours later
                    more["captured_at"] = stamp(t - int(dice.uniform(1, 6) * 3600))
                if dice.random() < .02:
                    more["id_read_mode"] = "manual"
                more["contact"] = shop.number if dice.random() < .15 else (self.people.mobile("139") if dice.random() < .5 else None)
                works = shop.works and dice.random() < .55
                if works:
                    person, more["employer"], more["address"] = self.people.far(18, 50), f"works {shop.outlet}", f"{shop.village}厂区宿舍"
                else:
                    person = self.people.person(shop.region if dice.random() < .9 else COUNTIES[dice.integers(0, 8)], 16, 78)
                    more["address"] = shop.village
                cards = 2 if dice.random() < .08 else 1  # one for the road
                for k in range(cards):
                    self.sell(t + 260 * k, shop, shop.accounts[0], device, place, person, **more)

    def lendable(self):
        return [s for s in self.shops if .5 < s.rate and not s.works and not s.kin]

    def mess(self):
        dice = self.dice
        rows = self.rows["opening"]
        for t, fields in rows:
            for name, gone in (("session", .1), ("captured_at", .2), ("duration_s", .3), ("cell_region6", .35), ("ip", .2), ("device", .05)):
                if dice.random() < gone:
                    fields.pop(name, None)
        again = [rows[i] for i in dice.choice(len(rows), len(rows) // 150, replace=False)]
        self.rows["opening"] += [(t + 2, dict(fields)) for t, fields in again]  # a retry, under a new number
        self.rows["stock_move"] = [(t + (int(dice.uniform(3, 10) * DAY) if dice.random() < .05 else 0), f) for t, f in self.rows["stock_move"]]
        shuffled = np.argsort(dice.random(len(self.rows["login"])))[: len(self.rows["login"]) // 40]
        lost = set(shuffled.tolist())
        self.rows["login"] = [r for i, r in enumerate(self.rows["login"]) if i not in lost]
