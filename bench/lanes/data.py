"""Made-up events for `bench detect`: logins, look-ups, openings and account changes with bursts that fire the rules.

data.py FOLDER EVENTS ACCOUNTS HOT_PERCENT: writes KIND.parquet per kind (only the columns in use), ordered.ndjson, and late.ndjson
with the same lines, each delayed by less than 60 s. Times are whole seconds, as business systems log them, so ties are common;
`seq` numbers the rows in the order that they happened, and one source writes them all. Seed fixed.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

START = 1_583_020_800  # 2020-03-01T00:00:00Z
DAYS = 30
LATE = 60
REGIONS = np.array(["330681", "330106", "330502", "320583", "310115", "330402", "330703", "331002"])
CHANGES = np.array(["location_override", "password_reset", "service_password_reset", "credential_issue", "role_grant",
                    "role_revoke", "device_bind", "card_state", "logging_change"])
CHANGE_SHARES = [.05, .15, .25, .03, .03, .04, .04, .39, .02]
ACTIONS = np.array(["view", "search", "export", "print", "change"])
LOGIN, ACCESS, OPENING, CHANGE = range(4)
KINDS = ["login", "access", "opening", "account_change"]
FIELDS = {
    "login": ["account", "device", "session", "ip", "region6", "result"],
    "access": ["account", "device", "ip", "app", "action", "subject", "rows", "object", "result", "order"],
    "opening": ["card", "msisdn", "subject", "account", "device", "outlet", "region6", "id_read_mode", "duration_s", "plan"],
    "account_change": ["account", "target", "change", "order", "device"],
}


def outlets(accounts):
    return max(1, accounts // 20)


def base(rng, n, accounts, hot):
    """What happens on any day."""
    day = rng.integers(0, DAYS, n)
    hour = np.where(rng.random(n) < .9, rng.normal(6.0, 3.0, n) % 24, rng.random(n) * 24)  # UTC; noon is 04
    account = (accounts * rng.random(n) ** 1.5).astype(np.int64)
    account[rng.random(n) < hot] = 7
    kind = rng.choice(4, n, p=[.3, .4, .2, .1])
    other = rng.random(n) < .05
    device = np.where(other, (account // 20) * 20 + rng.integers(0, 20, n), account)
    e = {
        "ts": START + day * 86_400 + (hour * 3_600).astype(np.int64),
        "kind": kind, "account": account, "device": device,
        "outlet": np.where(rng.random(n) < .995, account // 20, rng.integers(0, outlets(accounts), n)),
        "region": np.where(rng.random(n) < .97, account % 8, rng.integers(0, 8, n)),
        "result": rng.choice(3, n, p=[.93, .06, .01]),
        "action": rng.choice(5, n, p=[.75, .1, .1, .03, .02]),
        "ordered": rng.random(n) < .8,
        "subject": rng.integers(0, max(1_000, n // 5), n),
        "rows": np.exp(rng.normal(4.0, 1.0, n)).astype(np.int64) + 1,
        "duration": np.exp(rng.normal(5.4, .6, n)).astype(np.int64) + 20,
        "change": rng.choice(9, n, p=CHANGE_SHARES),
    }
    return e


def burst(rng, e, at, length, first):
    """Turns `length` rows from `first` on into one burst of a kind that some rule looks for."""
    i = slice(first, first + length)
    account = e["account"][first]
    what = at % 12
    span = [1_500, 3_000, 40_000, 500, 5_000, 30_000, 3_000, 60_000, 5_000, 5_000, 9_000, 3_000][what]
    e["ts"][i] = min(e["ts"][first], START + DAYS * 86_400 - span - 1) + np.sort(rng.integers(0, span, length))
    e["account"][i] = account
    e["device"][i] = e["device"][first]
    e["outlet"][i] = account // 20
    e["ordered"][i] = False
    k = np.arange(length)
    if what in (0, 9, 10):  # openings in a row, in many regions, at many outlets
        e["kind"][i] = OPENING
        if what == 9:
            e["region"][i] = k % 6
        if what == 10:
            e["outlet"][i] = (account // 20 + k % 6) % max(1, e["outlet"].max())
            e["duration"][i] += 900
    elif what == 1:  # one account, several devices
        e["kind"][i], e["result"][i], e["device"][i] = LOGIN, 0, account + k % 5
    elif what == 2:  # exports
        e["kind"][i], e["action"][i] = ACCESS, 2
        e["rows"][i] *= 8
    elif what == 3:  # wrong passwords
        e["kind"][i], e["result"][i] = LOGIN, 1
    elif what == 4:  # override, openings, failed logins, in turn
        e["kind"][i] = np.where(k % 5 == 0, CHANGE, np.where(k % 7 == 1, LOGIN, OPENING))
        e["change"][i], e["result"][i] = np.where(k % 2 == 0, 0, 6), 1
    elif what == 5:  # one device, several accounts
        e["kind"][i], e["result"][i], e["account"][i] = LOGIN, 0, account - account % 20 + k % 8
    elif what in (6, 7):  # look-ups without an order
        e["kind"][i], e["action"][i] = ACCESS, 0
        e["subject"][i] = rng.integers(0, 1_000, length)
    elif what == 8:  # failed login, reset, export
        e["kind"][i] = np.array([LOGIN, CHANGE, ACCESS])[k % 3]
        e["result"][i], e["change"][i], e["action"][i] = 1, 1, 2
    else:  # resets of others and grants
        e["kind"][i], e["change"][i] = CHANGE, np.where(k % 4 == 3, 4, 2)
        e["subject"][i] = rng.integers(0, 1_000, length)


def events(n, accounts, hot):
    rng = np.random.default_rng(20_200_301)
    e = base(rng, n, accounts, hot)
    first = 0
    for at in range(max(12, n // 1_500)):
        length = int(rng.integers(15, 90))
        if first + length > n:
            break
        burst(rng, e, at, length, first)
        first += length
    order = np.lexsort((rng.random(n), e["ts"]))
    e = {k: v[order] for k, v in e.items()}
    e["seq"] = np.arange(1, n + 1)
    return e, rng


def numbered(prefix, values, width):
    digits = pc.utf8_lpad(pc.cast(pa.array(values), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def picked(names, index):
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int8)), pa.array(names)).cast(pa.string())


def columns(e, kind):
    """One kind's table and which rows of all it holds."""
    at = np.flatnonzero(e["kind"] == kind)
    v = {k: x[at] for k, x in e.items()}
    n = len(at)
    account, device = numbered("ZJ", v["account"], 7), numbered("PC-", v["device"], 7)
    subject = numbered("person:", v["subject"], 9)
    none = pa.nulls(n, pa.string())
    rows_known = np.isin(v["action"], [2, 3])
    ip = pc.binary_join_element_wise("10.20.", pc.cast(pa.array(v["device"] % 200), pa.string()), ".",
                                     pc.cast(pa.array(v["device"] % 250), pa.string()), "")
    order = pc.if_else(pa.array(v["ordered"]), numbered("W", v["seq"], 9), none)
    all_columns = {
        "account": account, "device": device, "session": numbered("S", v["seq"] // 7, 9), "ip": ip,
        "region6": picked(REGIONS, v["region"]),
        "result": picked(np.array(["ok", "failed", "mfa_failed"]), v["result"]) if kind == LOGIN
        else picked(np.array(["ok", "denied"]), (v["result"] == 2).astype(int)),
        "app": picked(np.array(["crm"]), np.zeros(n)), "action": picked(ACTIONS, v["action"]),
        "subject": subject if kind == OPENING else pc.if_else(pa.array(~rows_known), subject, none),
        "rows": pa.array(v["rows"], mask=~rows_known), "object": picked(np.array(["customer"]), np.zeros(n)), "order": order,
        "card": numbered("8986002000", v["seq"], 10), "msisdn": numbered("m:", v["seq"], 9),
        "outlet": numbered("O", v["outlet"], 6), "id_read_mode": picked(np.array(["reader", "nfc"]), v["seq"] % 2),
        "duration_s": pa.array(v["duration"]), "plan": picked(np.array(["p19", "p59", "p99"]), v["seq"] % 3),
        "target": numbered("T", v["subject"], 9), "change": picked(CHANGES, v["change"]),
    }
    ts = pa.array(v["ts"] * 1_000_000).cast(pa.timestamp("us", "UTC"))
    table = {"ts": ts, "source": picked(np.array(["crm"]), np.zeros(n)), "seq": pa.array(v["seq"])}
    table |= {f: all_columns[f] for f in FIELDS[KINDS[kind]]}
    table |= {"file_id": pa.array(np.ones(n, dtype=np.int64)), "line": pa.array(v["seq"])}
    return pa.table(table), at


def lines(table, kind):
    """The rows as NDJSON lines; absent fields are left out, as loggers do."""
    parts = [f'{{"record":"{KINDS[kind]}","ts":"', pc.strftime(table["ts"], "%Y-%m-%dT%H:%M:%S"), 'Z","source":"crm","seq":',
             pc.cast(table["seq"], pa.string())]
    parts[1] = pc.utf8_slice_codeunits(parts[1], 0, 19)
    for f in FIELDS[KINDS[kind]]:
        column = table[f]
        number = pa.types.is_integer(column.type)
        text = pc.cast(column, pa.string())
        quote = "" if number else '"'
        whole = pc.binary_join_element_wise(f',"{f}":{quote}', text, quote, "")
        parts.append(pc.fill_null(whole, ""))
    return pc.binary_join_element_wise(*parts, "}\n", "").combine_chunks()


def write_lines(path, text, order):
    with open(path, "wb") as out:
        for i in range(0, len(order), 250_000):
            part = text.take(pa.array(order[i:i + 250_000]))
            part = part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part
            offsets = np.frombuffer(part.buffers()[1], dtype=np.int64)[part.offset:part.offset + len(part) + 1]
            out.write(memoryview(part.buffers()[2])[offsets[0]:offsets[-1]])


def main():
    folder, n, accounts, hot = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) / 100
    e, rng = events(n, accounts, hot)
    texts, places = [], []
    for kind in range(4):
        table, at = columns(e, kind)
        pq.write_table(table, f"{folder}/{KINDS[kind]}.parquet", compression="zstd", compression_level=1)
        texts.append(lines(table, kind).cast(pa.large_string()))
        places.append(at)
    text = pa.chunked_array(texts).combine_chunks()
    ordered = np.empty(n, dtype=np.int64)
    ordered[np.concatenate(places)] = np.arange(n)
    write_lines(f"{folder}/ordered.ndjson", text, ordered)
    arrival = np.argsort(e["ts"] + rng.random(n) * (LATE - .001), kind="stable")
    write_lines(f"{folder}/late.ndjson", text, ordered[arrival])


main()
