"""The twenty rules as DuckDB window queries, written by hand, one query per rule: the peer and the oracle of `bench detect`.

duck.py FOLDER OUT THREADS [RULE ...]: reads FOLDER/KIND/*.parquet, writes OUT/RULE.csv with `group key, seq of the row at
which the condition held`. The frame runs over o = seconds * 2^26 + seq, so rows of one second keep their order and
`window * 2^26 PRECEDING` is exactly (t - window, t]: `seq` numbers the rows in the order of time.
"""

import sys

import duckdb

O = "epoch_us(ts) // 1000000 * 67108864 + seq"
FILES = "read_parquet('{folder}/{kind}/*.parquet')"
M, H, D = 60, 3600, 86400
OPEN = ("opening", "card IS NOT NULL")
OK = ("login", "result = 'ok'")
BAD = ("login", "result IN ('failed', 'mfa_failed')")
EXPORT = ("access", "action IN ('export', 'print') AND rows >= 1 AND result IS DISTINCT FROM 'denied'")
VIEW = ("access", "action IN ('view', 'search') AND \"order\" IS NULL")


def change(*names):
    return ("account_change", f"change IN {names}" if len(names) > 1 else f"change = '{names[0]}'")


# rule: what is counted, of which rows, by which key, within which seconds, when
COUNTS = {
    "b01": ("count(*)", OPEN, "account", 30 * M, ">= 8"),
    "b02": ("count(DISTINCT device)", OK, "account", H, ">= 3"),
    "b03": ("sum(rows)", EXPORT, "account", D, ">= 3000"),
    "b04": ("count(*)", BAD, "account", 10 * M, ">= 6"),
    "b06": ("count(DISTINCT account)", OK, "device", 12 * H, ">= 5"),
    "b07": ("count(*)", VIEW, "account, device", H, ">= 40"),
    "b08": ("count(DISTINCT subject)", VIEW, "account", D, ">= 60"),
    "b11": ("count(DISTINCT region6)", OPEN, "account", 6 * H, ">= 4"),
    "b12": ("count(*)", OPEN, "outlet", 2 * H, ">= 60"),
    "b13": ("count(DISTINCT subject)", OPEN, "device", H, ">= 12"),
    "b14": ("sum(rows) {frame} >= 800 * count(*)", EXPORT, "account", 6 * H, "= true"),
    "b15": ("quantile_disc(duration_s, 0.9)", OPEN, "outlet", D, ">= 900"),
    "b16": ("sum(rows)", EXPORT, "device", 3 * H, ">= 5000"),
    "b17": ("count(*)", change("role_grant", "credential_issue"), "account", D, ">= 3"),
    "b18": ("count(DISTINCT target)", change("service_password_reset"), "account", H, ">= 4"),
    "b20": ("count(DISTINCT outlet)", OPEN, "account", 7 * D, ">= 4"),
}
ORDERED = {
    "b05": ([change("location_override"), OPEN], "account", 2 * H),
    "b09": ([BAD, change("password_reset"), EXPORT], "account", 2 * H),
    "b19": ([BAD, OPEN], "device", 30 * M),
}
ANY_ORDER = {"b10": ([change("location_override"), change("device_bind")], "account", 12 * H)}
RULES = sorted([*COUNTS, *ORDERED, *ANY_ORDER])


def shown(key):
    return key.replace(", ", " || '|' || ")


def counted(folder, what, rows, key, window, condition):
    kind, where = rows
    frame = f"OVER (PARTITION BY {key} ORDER BY o RANGE BETWEEN {window * 67108864} PRECEDING AND CURRENT ROW)"
    value = what.format(frame=frame) + f" {frame}"
    return f"SELECT {shown(key)} AS k, seq FROM (SELECT {key}, seq, {value} AS n FROM (SELECT *, {O} AS o FROM " \
           f"{FILES.format(folder=folder, kind=kind)} WHERE {where})) WHERE n {condition}"


def union(folder, steps, key):
    parts = [f"SELECT {key} AS k, seq, {O} AS o, {n} AS step FROM {FILES.format(folder=folder, kind=kind)} WHERE {where}"
             for n, (kind, where) in enumerate(steps)]
    return " UNION ALL ".join(parts)


def ordered(folder, steps, key, window):
    """Step by step the latest start of a chain: a running maximum over the one before."""
    query = f"SELECT k, seq, o, step, CASE WHEN step = 0 THEN o END AS start FROM ({union(folder, steps, key)})"
    for n in range(1, len(steps)):
        query = f"SELECT k, seq, o, step, CASE WHEN step < {n} THEN NULL WHEN step > {n} THEN start ELSE max(start) OVER " \
                f"(PARTITION BY k ORDER BY o ROWS UNBOUNDED PRECEDING) END AS start FROM ({query})"
    return f"SELECT k, seq FROM ({query}) WHERE step = {len(steps) - 1} AND start > o - {window * 67108864}"


def any_order(folder, steps, key, window):
    frame = f"OVER (PARTITION BY k ORDER BY o RANGE BETWEEN {window * 67108864} PRECEDING AND CURRENT ROW)"
    met = " AND ".join(f"bool_or(step = {n}) {frame}" for n in range(len(steps)))
    return f"SELECT k, seq FROM (SELECT k, seq, {met} AS met FROM ({union(folder, steps, key)})) WHERE met"


def query(folder, rule):
    if rule in COUNTS:
        return counted(folder, *COUNTS[rule])
    if rule in ORDERED:
        return ordered(folder, *ORDERED[rule])
    return any_order(folder, *ANY_ORDER[rule])


def main():
    folder, out, threads, rules = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:] or RULES
    db = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    for rule in rules:
        db.execute(f"COPY ({query(folder, rule)}) TO '{out}/{rule}.csv' (HEADER false)")


if __name__ == "__main__":
    main()
