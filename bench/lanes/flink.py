"""The twenty rules in Flink SQL, one streaming job of one slot over NDJSON lines: a peer of `bench detect`.

flink.py EVENTS OUT LATE_SECONDS [RULE ...]: writes OUT with `rule,group key,seq of the row at which the condition held`. Needs
a Java compiler and the Python package `apache-flink-libraries` (the programs of Flink without Python); `missing` says what is not
there.

Flink's OVER windows take rows of one time together, so the row time is made of the second and the row's number,
o = seconds * 2^17 + seq mod 2^17 milliseconds, and a window of W seconds is W * 2^17 milliseconds: exactly (t - W, t] row by row,
as in duck.py (but for the rows of one second between which the number passes a multiple of 2^17: one second in 131,072 rows).
Sequences are OVER windows too: MATCH_RECOGNIZE ends a match at the first last step and does not find the second one of
the same start, so it says less than the rules do. The percentile is a count: the nearest-rank 90th percentile is at least 900
where fewer than nine tenths of the rows are below. So all twenty can be said, and are.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile

START = 1_583_020_800
UNIT = 131_072  # The longest interval that Flink takes, 999 days, is more than a week of seconds of so many milliseconds.
M, H, D = 60, 3600, 86400
OPEN = "record = 'opening' AND card IS NOT NULL"
OK = "record = 'login' AND `result` = 'ok'"
BAD = "record = 'login' AND `result` IN ('failed', 'mfa_failed')"
EXPORT = "record = 'access' AND action IN ('export', 'print') AND `rows` >= 1 AND `result` IS DISTINCT FROM 'denied'"
VIEW = "record = 'access' AND action IN ('view', 'search') AND `order` IS NULL"


def change(*names):
    return "record = 'account_change' AND `change` IN (" + ", ".join(f"'{n}'" for n in names) + ")"


# rule: which rows, by which key, within which seconds, what is counted (W stands for the window), when
COUNTS = {
    "b01": (OPEN, "account", 30 * M, ["COUNT(*)"], "n0 >= 8"),
    "b02": (OK, "account", H, ["COUNT(DISTINCT device)"], "n0 >= 3"),
    "b03": (EXPORT, "account", D, ["SUM(`rows`)"], "n0 >= 3000"),
    "b04": (BAD, "account", 10 * M, ["COUNT(*)"], "n0 >= 6"),
    "b06": (OK, "device", 12 * H, ["COUNT(DISTINCT account)"], "n0 >= 5"),
    "b07": (VIEW, "account, device", H, ["COUNT(*)"], "n0 >= 40"),
    "b08": (VIEW, "account", D, ["COUNT(DISTINCT subject)"], "n0 >= 60"),
    "b11": (OPEN, "account", 6 * H, ["COUNT(DISTINCT region6)"], "n0 >= 4"),
    "b12": (OPEN, "outlet", 2 * H, ["COUNT(*)"], "n0 >= 60"),
    "b13": (OPEN, "device", H, ["COUNT(DISTINCT subject)"], "n0 >= 12"),
    "b14": (EXPORT, "account", 6 * H, ["SUM(`rows`)", "COUNT(*)"], "n0 >= 800 * n1"),
    "b15": (OPEN, "outlet", D, ["COUNT(*)", "SUM(CASE WHEN duration_s < 900 THEN 1 ELSE 0 END)"], "9 * n0 > 10 * n1"),
    "b16": (EXPORT, "device", 3 * H, ["SUM(`rows`)"], "n0 >= 5000"),
    "b17": (change("role_grant", "credential_issue"), "account", D, ["COUNT(*)"], "n0 >= 3"),
    "b18": (change("service_password_reset"), "account", H, ["COUNT(DISTINCT target)"], "n0 >= 4"),
    "b20": (OPEN, "account", 7 * D, ["COUNT(DISTINCT outlet)"], "n0 >= 4"),
}
ORDERED = {
    "b05": ([change("location_override"), OPEN], "account", 2 * H),
    "b09": ([BAD, change("password_reset"), EXPORT], "account", 2 * H),
    "b19": ([BAD, OPEN], "device", 30 * M),
}
ANY_ORDER = {"b10": ([change("location_override"), change("device_bind")], "account", 12 * H)}
RULES = sorted([*COUNTS, *ORDERED, *ANY_ORDER])


def interval(seconds):
    """So many seconds of the rules, in milliseconds of the row time."""
    s, ms = divmod(seconds * UNIT, 1_000)
    return f"INTERVAL '{s // D} {s // H % 24:02}:{s // M % 60:02}:{s % 60:02}.{ms:03}' DAY(3) TO SECOND(3)"


def over(key, seconds):
    return f"OVER (PARTITION BY {key} ORDER BY rt RANGE BETWEEN {interval(seconds)} PRECEDING AND CURRENT ROW)"


def present(key):
    return " AND ".join(f"{k} IS NOT NULL" for k in key.split(", "))


def shown(key):
    return key.replace(", ", " || '|' || ")


def counted(rule, rows, key, seconds, what, condition):
    figures = ", ".join(f"{w} {over(key, seconds)} AS n{n}" for n, w in enumerate(what))
    return f"SELECT '{rule}', {shown(key)}, seq FROM (SELECT {key}, seq, {figures} FROM events WHERE {rows} AND " \
           f"{present(key)}) WHERE {condition}"


def steps(steps, key):
    case = " ".join(f"WHEN {rows} THEN {n}" for n, rows in enumerate(steps))
    either = " OR ".join(f"({rows})" for rows in steps)
    return f"SELECT {key} AS k, seq, o, rt, CASE {case} END AS step FROM events WHERE ({either}) AND {present(key)}"


def ordered(rule, list_, key, seconds):
    """Step by step the latest start of a chain, as in duck.py."""
    query = f"SELECT k, seq, o, rt, step, CASE WHEN step = 0 THEN o END AS s0 FROM ({steps(list_, key)})"
    for n in range(1, len(list_)):
        latest = f"MAX(CASE WHEN step = {n - 1} THEN s{n - 1} END) {over('k', seconds)}"
        query = f"SELECT k, seq, o, rt, step, {latest} AS s{n} FROM ({query})"
    n = len(list_) - 1
    return f"SELECT '{rule}', k, seq FROM ({query}) WHERE step = {n} AND s{n} > o - {seconds * UNIT}"


def any_order(rule, list_, key, seconds):
    met = ", ".join(f"MAX(CASE WHEN step = {n} THEN 1 END) {over('k', seconds)} AS m{n}" for n in range(len(list_)))
    both = " AND ".join(f"m{n} = 1" for n in range(len(list_)))
    return f"SELECT '{rule}', k, seq FROM (SELECT k, seq, {met} FROM ({steps(list_, key)})) WHERE {both}"


def query(rule):
    if rule in COUNTS:
        return counted(rule, *COUNTS[rule])
    if rule in ORDERED:
        return ordered(rule, *ORDERED[rule])
    return any_order(rule, *ANY_ORDER[rule])


def statements(events, out, late, rules):
    """The lines, the file of alerts, and all rules as one statement, so that the lines are read once."""
    second = f"CAST(TIMESTAMPDIFF(SECOND, TO_TIMESTAMP_LTZ({START}, 0), ts) AS BIGINT)"
    return [f"""CREATE TEMPORARY TABLE events (
  record STRING, ts TIMESTAMP_LTZ(3), seq BIGINT, account STRING, device STRING, `result` STRING, action STRING,
  subject STRING, `rows` BIGINT, `order` STRING, card STRING, outlet STRING, region6 STRING, duration_s BIGINT, target STRING,
  `change` STRING,
  o AS {second} * {UNIT} + MOD(seq, {UNIT}),
  rt AS TO_TIMESTAMP_LTZ({second} * {UNIT} + MOD(seq, {UNIT}), 3),
  WATERMARK FOR rt AS rt - {interval(late)}
) WITH ('connector' = 'filesystem', 'path' = 'file://{os.path.abspath(events)}', 'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601')""",
            f"""CREATE TEMPORARY TABLE alerts (rule STRING, k STRING, seq BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'file://{out}', 'format' = 'csv')""",
            "INSERT INTO alerts\n" + "\nUNION ALL ".join(query(r) for r in rules)]


def missing():
    """What this lane needs and is not here, in words; None where all is."""
    java = shutil.which("java")
    if java is None or "jdk.compiler" not in subprocess.run([java, "--list-modules"], capture_output=True, text=True).stdout:
        return "no Java compiler (Debian: openjdk-17-jdk-headless)"
    if importlib.util.find_spec("pyflink") is None:
        return "no Flink (pip install --no-deps apache-flink-libraries==2.3.0)"
    return None


# What the Java runtime must open to Flink, as its own start scripts say.
OPENED = ["java.util", "java.lang", "java.lang.reflect", "java.net", "java.nio", "java.text", "java.time", "java.util.concurrent",
          "java.util.concurrent.atomic", "java.util.concurrent.locks", "java.io", "sun.net.util", "sun.nio.ch"]


def main():
    events, out, late, rules = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:] or RULES
    home = next(iter(importlib.util.find_spec("pyflink").submodule_search_locations))
    opens = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED]
    program = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers", "flink", "Rules.java")
    with tempfile.TemporaryDirectory() as folder:
        sql, parts = os.path.join(folder, "rules.sql"), os.path.join(folder, "out")
        with open(sql, "w", encoding="utf-8") as f:
            f.write(";\n".join(statements(events, parts, late, rules)))
        done = subprocess.run(["java", "-Xmx3g", *opens, "-cp", os.path.join(home, "lib", "*"), program, sql],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit((done.stdout + done.stderr)[-8_000:])
        with open(out, "wb") as whole:
            for name in sorted(os.listdir(parts)):
                with open(os.path.join(parts, name), "rb") as part:
                    shutil.copyfileobj(part, whole)


if __name__ == "__main__":
    main()
