"""The use of cards, a row a card and day: ordinary phones, spare cards, tablets, visitors, and what gangs do with cards."""

import numpy as np

from carriers.carrier import CLOCK, DAY
from carriers.people import MODEMS

HEAD = ["source", "seq", "card", "day", "imei", "calls_out", "calls_in", "calls_short", "peers", "peers_new", "sms_out", "sms_in", "otp_senders",
        "data_mb", "first_region6", "main_region6", "main_cell", "plmn"]
KEPT = 35  # days after opening of which the carrier's extract still has the ordinary use
# Kind: share of days with use, calls out, calls in, messages in, MB, shares of callees new.
HABITS = {
    "phone": (.82, 3.5, 3.2, 2.5, 600, .08), "heavy": (.97, 9, 8, 5, 2500, .06), "spare": (.15, 1, 1.2, .6, 20, .05),
    "tablet": (.7, 0, 0, 1.2, 900, 0), "alarm": (.95, .1, .1, .1, 1, 0), "visitor": (.9, 2.5, 1.5, 2, 1500, .05),
    "courier": (.9, 70, 16, 4, 1200, .03), "student": (.95, 2, 1.5, 6, 3000, .3), "office": (.7, 28, 9, 2, 50, .04),
}


def usage(carrier):
    """Rows of all cards, by card."""
    dice, n = np.random.default_rng([carrier.PROVINCE, len(carrier.uses)]), 0
    last = carrier.DAYS
    for card, (kind, opened, region, handset) in carrier.uses.items():
        first = max(0, carrier.day(opened))
        rows = carrier.gang_use[card](dice) if card in carrier.gang_use else ordinary(carrier, dice, kind, first, last, region, handset)
        for day, row in rows:
            if first <= day < last:
                date = str(np.datetime64(carrier.start + CLOCK + int(day) * DAY, "s").astype("datetime64[D]"))
                yield [f"{carrier.SOURCE}-usage", n, card, date, *carrier.usage_row(dice, row)]
                n += 1


def ordinary(carrier, dice, kind, first, last, region, handset):
    if kind == "fraud":
        imei = carrier.people.handset()
        for day in range(first, first + 3):
            yield day, [imei, dice.poisson(60), dice.poisson(3), dice.poisson(15), dice.poisson(50), dice.poisson(2), 0, 1, 0, 20, region, region,
                        f"c{region}{dice.integers(0, 60):03d}", "46000"]
        return
    often, out, calls, sms, mb, new = HABITS[kind]
    imei = handset or carrier.people.handset()
    until = min(last, first + (int(dice.uniform(3, 16)) if kind == "visitor" else KEPT))
    days = np.arange(first, until)
    days = days[dice.random(len(days)) < often]
    scale = dice.lognormal(0, .6)
    home = f"c{region}{dice.integers(0, 60):03d}"
    moved = until if dice.random() > .06 else first + dice.integers(3, KEPT)  # some move on, to another town
    elsewhere = carrier.elsewhere[dice.integers(0, len(carrier.elsewhere))]
    outs, ins, messages = dice.poisson(out * scale, len(days)), dice.poisson(calls * scale, len(days)), dice.poisson(sms, len(days))
    mbs = dice.exponential(mb * scale, len(days)).astype(int)
    if dice.random() < .03:  # a new handset
        switch = first + dice.integers(2, KEPT)
        other = carrier.people.handset()
    else:
        switch, other = until, imei
    for day, o, i, s, m in zip(days, outs, ins, messages, mbs):
        where = region if day < moved else elsewhere
        travels = dice.random() < .03
        first_region = carrier.elsewhere[dice.integers(0, len(carrier.elsewhere))] if travels else where
        cell = home if day < moved and dice.random() < .7 else f"c{where}{dice.integers(0, 60):03d}"
        peers = int(np.ceil((o + i) * .6))
        yield day, [imei if day < switch else other, int(o), int(i), dice.binomial(o, .08), peers, dice.binomial(peers, new), dice.poisson(.2), int(s),
                    min(int(s), dice.poisson(.6)), int(m), first_region, where, cell, "46000"]


def nursed(carrier, opened, region, pool, mates, burst=None):
    """A ring's card: put away, then kept warm in a modem with its like; a few are sold on and used in fraud."""
    first = carrier.day(opened)

    def rows(dice):
        begin = first + int(dice.uniform(4, 20))
        for day in range(begin, min(carrier.DAYS, begin + 40)):
            if dice.random() < .6:
                calls = dice.poisson(1.6)
                yield day, [pool[dice.integers(0, len(pool))], calls, dice.poisson(1.6), dice.binomial(calls, .8), min(calls, mates), min(calls, mates),
                            0, dice.poisson(.5), dice.poisson(.3), dice.integers(1, 4), region, region, f"c{region}{900 + len(pool) % 7:03d}", "46000"]
        if burst is not None:
            phone = carrier.people.handset()
            for day in range(burst, burst + 3):
                calls = dice.poisson(90)
                yield day, [phone, calls, dice.poisson(2), calls // 4, int(calls * .9), dice.poisson(2), 0, 1, 0, 15, region, region,
                            f"c{region}{950:03d}", "46000"]
    return rows


def gateway(pool, begin, days, region, cell):
    def rows(dice):
        for day in range(begin, begin + days):
            if dice.random() < .85:
                calls = dice.poisson(130)
                yield day, [pool[dice.integers(0, len(pool))], calls, dice.poisson(4), calls // 5, int(calls * .93), dice.poisson(4), 0, dice.poisson(1), 0, 2,
                            region, region, cell, "46000"]
    return rows


def dormant(carrier, first, begin, region):
    """Used for a day, silent for weeks, then a few days of dialling."""
    def rows(dice):
        yield first, [carrier.people.handset(), 1, 0, 1, 1, 0, 0, 1, 0, 1, region, region, f"c{region}001", "46000"]
        phone = carrier.people.handset()
        for day in range(begin, begin + 4):
            calls = dice.poisson(95)
            yield day, [phone, calls, dice.poisson(2), calls // 5, int(calls * .92), dice.poisson(3), 0, 1, 0, 10, region, region,
                        f"c{region}{dice.integers(0, 60):03d}", "46000"]
    return rows


def abroad(carrier, first, network):
    """Carried over the border within days and used there."""
    def rows(dice):
        begin = first + int(dice.uniform(3, 9))
        phone = carrier.people.handset()
        for day in range(begin, begin + 40):
            if dice.random() < .7:
                yield day, [phone, dice.poisson(25), dice.poisson(3), dice.poisson(5), dice.poisson(20), 0, 0, dice.poisson(2), dice.poisson(1), 60,
                            network[1], network[1], f"x{network[0]}01", network[0]]
    return rows


def modems(carrier, n):
    return [carrier.people.handset(MODEMS) for _ in range(n)]
