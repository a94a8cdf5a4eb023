"""A city carrier with large halls.

Clerks change counters daily, so that each works on many devices and each device under many accounts. Kiosks open cards alone, vans
sell in the whole city with permits (and sometimes without), teams stand on five campuses in September, visitors come in July and
August, firms and works get cards by the hundred under group contracts, some of whose numbers are noted and some not. On August 1 the
system is replaced and every device and face gets a new name, the asset list a few days later; two halls merge. The clocks of three
halls are fast. Look-ups of a call centre and of the halls, card use and assets are handed over.
"""

from carriers.carrier import DAY, Carrier, Place, Shop, stamp
from carriers.people import PLACES

DISTRICTS = ("510104", "510105", "510106", "510107", "510108", "510112", "510114", "510116")
RENAMED = 92  # the day of the new system


class City(Carrier):
    SOURCE, START, OPERATOR, PROVINCE, HEAD = "crm-c", "2023-05-01", "01", 51, "186"
    PLANS = ("5G 29", "5G 59", "5G 129", "elders 19")
    KINDS = ("staff", "outlet", "terminal", "work_order", "login", "account_change", "access", "capture", "stock_move", "opening", "commission",
             "usage", "fraud_report", "reverification", "complaint")
    OPENING = ("card", "msisdn", "subject", "account", "device", "session", "outlet", "region6", "gps_source", "lat", "lon", "ip", "id_read_mode",
               "captured_at", "liveness", "match_score", "face_ref", "image_hash", "background_hash", "employer", "address", "contact", "plan",
               "channel", "duration_s", "commission_code", "order")

    def build(self):
        dice, since = self.dice, self.start - 300 * DAY
        self.elsewhere = ("500101", "510703", "511302", "510902")
        self.faces, self.orders = 0, 0
        for n in range(24):
            region = DISTRICTS[n % len(DISTRICTS)]
            shop = Shop(f"H{n:02d}", f"DL{n:02d}" if n >= 16 else None, region, .02, dice, self.HEAD)
            shop.devices = [f"CD{n:02d}{k:02d}" for k in range(8 if n < 16 else 3)]
            shop.accounts = [f"{51000 + n * 20 + k}" for k in range(7 if n < 16 else 2)]
            shop.rate, shop.fast = (6.5 if n < 16 else 2.0) * dice.lognormal(0, .3), 420 if n in (4, 11, 19) else 0
            self.shops.append(shop)
            self.row("outlet", since, outlet=shop.outlet, agent=shop.agent, region6=region, lat=round(shop.lat, 5), lon=round(shop.lon, 5), hours="09:00-20:00",
                     contract_no=f"K{n:03d}" if shop.agent else None, visited_on="2023-03-10")
            for d in shop.devices:
                self.row("terminal", since, device=d, outlet=shop.outlet, kind="counter", asset_no=f"a-{d}")
            for a in shop.accounts:
                self.row("staff", since, account=a, role="clerk" if n < 16 else "agent", outlet=shop.outlet, agent=shop.agent, region6=region,
                         shift="09:00-20:00" if dice.random() < .5 else None, holder=self.people.person(region, 20, 55))
        for shop in self.shops:
            self.hall(shop)
        self.kiosks(since)
        self.vans(since)
        self.campus(since)
        self.firms(since)
        self.desk(since)

    def customer(self, day):
        """Most are of the city, many came to live here; in summer visitors."""
        dice = self.dice
        if 61 <= day < 123 and dice.random() < .18:
            return self.people.far(18, 65), "visitor"
        person = self.people.far(18, 50) if dice.random() < .22 else self.people.person(DISTRICTS[dice.integers(0, 8)], 14, 80)
        return person, str(dice.choice(["phone", "heavy", "spare", "tablet", "alarm", "courier", "office"], p=[.6, .2, .1, .05, .01, .03, .01]))

    def open(self, t, shop, account, device, place, person, use, **more):
        dice = self.dice
        self.faces += 1
        more.setdefault("background_hash", f"bg{shop.outlet}{device}")
        self.sell(t + getattr(shop, "fast", 0), shop, account, device, place, person, use, face_ref=f"f{self.faces:07d}", image_hash=f"{dice.integers(1 << 60):015x}",
                  address=None if dice.random() < .3 else f"{shop.region}-{dice.integers(0, 30000)}",
                  contact=self.people.mobile("136") if dice.random() < .4 else None, **more)

    def hall(self, shop):
        dice = self.dice
        for day in range(self.DAYS):
            if shop.outlet == "H07" and day >= 75:
                return  # merged into another hall, whose staff list says so two weeks later
            busy = shop.rate * (1.8 if 151 <= day <= 158 else 1)
            present = [a for a in shop.accounts if dice.random() < .75] or shop.accounts[:1]
            counters = dict(zip(present, dice.permutation(shop.devices)[:len(present)]))
            for _ in range(dice.poisson(busy)):
                account = str(dice.choice(present))
                device = str(counters[account] if dice.random() < .93 else dice.choice(shop.devices))
                person, use = self.customer(day)
                for k in range(2 if dice.random() < .06 else 1):
                    self.open(self.at(day, 9.0, 20.0) + 300 * k, shop, account, device, self.here(shop, .0002), person, use)

    def kiosks(self, since):
        for n in range(8):
            shop, device, account = self.shops[n], f"KS{n:02d}", f"kiosk{n:02d}"
            self.row("terminal", since, device=device, outlet=shop.outlet, kind="kiosk", asset_no=f"a-{device}")
            self.row("staff", since, account=account, role="kiosk", outlet=shop.outlet, region6=shop.region)
            self.causes["self-service kiosk"] += [account, device]
            for day in range(self.DAYS):
                for _ in range(self.dice.poisson(2.2)):
                    person, use = self.customer(day)
                    self.open(self.at(day, 7.5, 22.5), shop, account, device, self.here(shop, 0), person, use, channel="kiosk")

    def vans(self, since):
        dice = self.dice
        for n in range(6):
            shop, device, account = self.shops[n], f"VN{n:02d}", f"van{n:02d}"
            self.row("terminal", since, device=device, outlet=shop.outlet, kind="handheld", asset_no=f"a-{device}")
            self.row("staff", since, account=account, role="agent", outlet=shop.outlet, region6=shop.region)
            self.causes["sales van"] += [account, device]
            for day in range(self.DAYS):
                if dice.random() < .4:
                    continue
                region = DISTRICTS[dice.integers(0, 8)]
                lat, lon = PLACES[region]
                place = Place(region, lat + .05 * dice.normal(), lon + .05 * dice.normal(), f"100.70.{n}")
                order = self.order(self.at(day, 7, 8), "permit", shop, account) if dice.random() < .7 else None
                for _ in range(dice.poisson(5)):
                    person, use = self.customer(day)
                    self.open(self.at(day, 9.5, 19), shop, account, device, place, person, use, channel="van", id_read_mode="nfc", order=order)

    def order(self, t, kind, shop, account, until=30, subject=None):
        self.orders += 1
        self.row("work_order", t, order=f"W{self.orders:06d}", kind=kind, outlet=shop.outlet if shop else None, account=account, subject=subject,
                 valid_from=stamp(t), valid_to=stamp(t + until * DAY))
        return f"W{self.orders:06d}"

    def campus(self, since):
        """Freshmen of all provinces, one dormitory address, hundreds a day, on hand-helds that are used nowhere else."""
        dice = self.dice
        for n in range(5):
            shop = self.shops[8 + n]
            lat, lon = PLACES[shop.region]
            lat, lon = lat + .06 * dice.normal(), lon + .06 * dice.normal()
            accounts, devices = [f"stu{n}{k}" for k in range(4)], [f"HH{n}{k}" for k in range(4)]
            for a, d in zip(accounts, devices):
                self.row("staff", self.start + 110 * DAY, account=a, role="agent", outlet=shop.outlet, region6=shop.region)
                self.row("terminal", self.start + 110 * DAY, device=d, outlet=shop.outlet, kind="handheld")
                self.causes["campus in September"] += [a, d]
            permit = self.order(self.start + 118 * DAY, "permit", shop, accounts[0], 40) if n != 3 else None
            for day in range(119, 143):
                for _ in range(dice.poisson(60 * 2 ** (-(day - 119) / 5))):
                    k = int(dice.integers(0, 4))
                    person = self.people.far(17, 20) if dice.random() < .6 else self.people.person(DISTRICTS[dice.integers(0, 8)], 17, 20)
                    place = Place(shop.region, lat + .001 * dice.normal(), lon + .001 * dice.normal(), f"100.71.{n}")
                    self.open(self.at(day, 8, 21.5), shop, accounts[k], devices[k], place, person, "student", channel="campus", id_read_mode="nfc",
                              order=permit, background_hash=f"tent{n}{k}")
                    self.sales[-1][1].update(address=f"大学{n}宿舍", plan="campus 19")

    def firms(self, since):
        """Group contracts: a firm's people in a day or two, at its own premises, with the account manager's laptop."""
        dice = self.dice
        for n in range(5):
            shop, account, device = self.shops[n], f"corp{n}", f"CL{n:02d}"
            self.row("staff", since, account=account, role="agent", outlet=shop.outlet, region6=shop.region)
            self.row("terminal", since, device=device, outlet=shop.outlet, kind="handheld")
            self.causes["firms' cards"] += [account, device]
            day = int(dice.integers(2, 12))
            while day < self.DAYS - 3:
                size, region = int(dice.lognormal(3.9, .7)), DISTRICTS[dice.integers(0, 8)]
                lat, lon = PLACES[region]
                place = Place(region, lat + .04 * dice.normal(), lon + .04 * dice.normal(), f"172.{20 + n}.{day}")
                order = self.order(self.start + (day - 3) * DAY, "group_contract", shop, account) if dice.random() < .75 else None
                works = dice.random() < .5  # works whose hands come from far away; the others are offices
                for _ in range(min(size, 240)):
                    person = self.people.far(18, 45) if works and dice.random() < .8 else self.people.person(DISTRICTS[dice.integers(0, 8)], 20, 55)
                    self.open(self.at(day + int(dice.integers(0, 2)), 9, 18), shop, account, device, place, person, "phone" if works else "office",
                              channel="corporate", order=order, employer=f"firm {n}-{day}", background_hash=f"hall{n}{day}")
                    self.sales[-1][1].update(address=f"{region} firm {n}-{day}", contact=None)
                day += int(dice.integers(9, 26))

    def desk(self, since):
        """The call centre looks up who calls; halls look up who comes; two back-office accounts make the monthly reports."""
        dice = self.dice
        customers = [f["subject"] for _, f, _ in self.sales]
        self.callers = [f"cc{n:02d}" for n in range(36)]
        for a in self.callers:
            self.row("staff", since, account=a, role="back_office", outlet="CALL", region6="510104", shift="08:00-22:00")
        self.row("outlet", since, outlet="CALL", region6="510104")
        for day in range(self.DAYS):
            for account in self.callers:
                if dice.random() < .3:
                    continue
                for _ in range(dice.poisson(9)):
                    t, subject = self.at(day, 8, 22), customers[dice.integers(0, len(customers))]
                    order = self.order(t - 60, "call", None, account, 1, subject) if dice.random() < .93 else None
                    self.look(t, account, f"WS{account}", subject, order)
            if day % 30 == 2:
                for account in ("rep0", "rep1"):
                    self.row("access", self.at(day, 9, 17), account=account, device="WSrep", app="bi", action="export", rows=int(dice.integers(3000, 9000)),
                             object="monthly", categories="phone", purpose="monthly report", result="ok")
        for a in ("rep0", "rep1"):
            self.row("staff", since, account=a, role="back_office", outlet="CALL", region6="510104")
            self.causes["monthly reports"].append(a)
        for t, f, _ in list(self.sales):
            if dice.random() < .5:
                self.look(t - 120, f["account"], f["device"], f["subject"], None)

    def look(self, t, account, device, subject, order, categories="id_number;phone", action="view"):
        self.row("access", t, account=account, device=device, app="crm", action=action, subject=subject, result="ok", categories=categories, order=order)

    def usage_row(self, dice, row):
        return row

    def lendable(self):
        return [s for s in self.shops if s.agent]

    def renamed(self, name, t):
        return name.replace("CD", "NT-").replace("KS", "NK-").replace("VN", "NV-").replace("CL", "NL-") if name and self.day(t) >= RENAMED else name

    def mess(self):
        dice = self.dice
        captures = [(t - 60, {"subject": f["subject"], "kind": "face", "device": f.get("device"), "outlet": f.get("outlet"), "image_hash": f.get("image_hash"),
                              "background_hash": f.get("background_hash"), "face_ref": f.get("face_ref")}) for t, f in self.rows["opening"]]
        self.rows["capture"] += [(t, {k: v for k, v in f.items() if v}) for t, f in captures]
        late = self.start + (RENAMED + 5) * DAY  # the asset list follows
        for t, fields in list(self.rows["terminal"]):
            new = self.renamed(fields["device"], late)
            if new != fields["device"]:
                self.rows["terminal"].append((late, {**fields, "device": new}))
        for kind in ("opening", "login", "access", "account_change", "capture"):
            for t, fields in self.rows[kind]:
                if "device" in fields:
                    fields["device"] = self.renamed(fields["device"], t)
                if "face_ref" in fields and self.day(t) >= RENAMED:
                    fields["face_ref"] = "F2-" + fields["face_ref"]
        for names in self.causes.values():
            names += [self.renamed(i, late) for i in names if self.renamed(i, late) != i]
        for group in self.groups:
            group["devices"] += [self.renamed(i, late) for i in group["devices"] if self.renamed(i, late) != i]
        rows = self.rows["opening"]
        for t, fields in rows:
            for name, gone in (("session", .03), ("lat", .1), ("liveness", .15), ("background_hash", .3), ("contact", .1)):
                if dice.random() < gone:
                    fields.pop(name, None)
                    if name == "lat":
                        fields.pop("lon", None)
        self.rows["opening"] = rows + [(t + 2, dict(rows[i][1])) for i in dice.choice(len(rows), len(rows) // 100, replace=False) for t in [rows[i][0]]]
        for shop in self.shops:
            if shop.outlet == "H07":
                for a in shop.accounts:
                    self.row("staff", self.start + 90 * DAY, account=a, role="clerk", outlet="H08", region6=self.shops[8].region)
