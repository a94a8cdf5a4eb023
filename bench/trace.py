"""Source attribution over many look-ups: `suyuan trace` from the lake beside the DuckDB lift query on the same files.

Called by `cargo xtask bench trace [--accesses N,N] [--runs N] [--more N] [--homes DIR] [--write]`: trace.py SUYUAN FOLDER ...

Made-up look-ups (180 days, 8,000 accounts of heavy-tailed activity, as many persons as accesses up to 1e7) go through the
ordinary intake; 20 accounts leak three in ten of the persons they look at within 60 days, which makes victims after an
exponential delay of 30 days; as many victims come from outside. Timed: the whole `suyuan trace` process (reading the lake, counting, the
model, writing the result), and DuckDB reading the same Parquet files for each account's persons, victims touched before the
harm, and their ratio to the base rate: no model, no windows, no probabilities. CPU time and peak memory are the operating
system's, both on two threads. The number of listed accounts that leak, and that do not, stands beside.

Counts stand from one run to the next, so a full run here begins without them. Then `--more` look-ups of the next days come in with
reports of a hundred new victims, and the run that counts on is timed beside one that counts all; both must say the same to the byte.
"""

import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import duckdb

ROOT = os.environ.get("SUYUAN_ROOT", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page import write_section  # noqa: E402

TITLE = "Source attribution at size · 大规模溯源"
ACCOUNTS, LEAKERS, DAYS = 8000, 20, 180

LIFT = """
WITH harm AS (SELECT victim, min(ts) AS moment FROM read_parquet('{reports}') GROUP BY 1),
touched AS (SELECT a.account, count(DISTINCT a.subject) AS persons,
                   count(DISTINCT CASE WHEN h.moment > a.ts THEN a.subject END) AS victims
            FROM read_parquet('{access}') a LEFT JOIN harm h ON a.subject = h.victim GROUP BY 1)
SELECT account, victims, victims / (persons * (SELECT sum(victims) / sum(persons) FROM touched)) AS lift
FROM touched ORDER BY lift DESC LIMIT 20
"""


def make(folder, n):
    """Look-ups and fraud reports as Parquet, by DuckDB, so that nothing stands in memory."""
    people = min(n, 10_000_000)
    con = duckdb.connect()
    con.sql("SET threads = 2")
    con.sql("SET preserve_insertion_order = false")
    number = "'13' || lpad((hash(i, 1) % {0})::VARCHAR, 9, '0')".format(people)
    # Activity: the account's number is the square of a uniform draw, so that the first are busiest.
    con.sql(f"""COPY (
        SELECT to_timestamp(1575129600 + (hash(i, 2) % {DAYS * 86400})::BIGINT) AS ts, 'crm' AS source, i AS seq,
               'A' || lpad(floor({ACCOUNTS} * pow((hash(i, 3) % 1000000) / 1000000.0, 2))::INT::VARCHAR, 5, '0') AS account,
               'view' AS action, {number} AS subject
        FROM range({n}) t(i)) TO '{folder}/access.parquet' (FORMAT parquet)""")
    # Leakers: every 300th account from the 137th on; their windows begin on a day of their own.
    con.sql(f"""COPY (
        WITH leak AS (
            SELECT subject, epoch_us(ts) AS moment FROM read_parquet('{folder}/access.parquet')
            WHERE (substr(account, 2)::INT - 137) % 300 = 0 AND substr(account, 2)::INT < {137 + 300 * LEAKERS}
              AND (epoch_us(ts) - 1575129600000000) // 86400000000 BETWEEN 10 + hash(account) % 60 AND 70 + hash(account) % 60
              AND hash(subject, 5) % 10 < 3),
        harmed AS (
            SELECT subject, moment + (-ln((1 + hash(subject, 6) % 1000000) / 1000001.0) * 30 * 86400000000)::BIGINT AS moment FROM leak),
        counted AS (SELECT count(*) AS k FROM harmed),
        outside AS (
            SELECT '13' || lpad((hash(j, 7) % {people})::VARCHAR, 9, '0') AS subject,
                   1575129600000000 + (hash(j, 8) % {DAYS * 86400})::BIGINT * 1000000 AS moment
            FROM counted, range(least(20000, 10 + {n} // 200)) r(j))
        SELECT to_timestamp(moment // 1000000) AS ts, 'police' AS source, row_number() OVER (ORDER BY moment, subject) AS seq,
               'C' || row_number() OVER (ORDER BY moment, subject) AS "case", subject AS victim
        FROM (SELECT * FROM harmed UNION ALL SELECT * FROM outside)
        WHERE moment < 1575129600000000 + {DAYS}::BIGINT * 86400000000) TO '{folder}/fraud_report.parquet' (FORMAT parquet)""")


def more(suyuan, here, n, rows, common):
    """Look-ups of the days after, as many a day as before, and reports of a hundred victims among those looked up before."""
    records = os.path.join(here, "more")
    os.makedirs(records)
    con = duckdb.connect()
    con.sql("SET threads = 2")
    people, seconds = min(n, 10_000_000), int(rows / n * DAYS * 86400)
    number = "'13' || lpad((hash({0}, 11) % {1})::VARCHAR, 9, '0')"
    con.sql(f"""COPY (
        SELECT to_timestamp({1575129600 + DAYS * 86400} + (hash(i, 12) % {seconds})::BIGINT) AS ts, 'crm' AS source, {n} + i AS seq,
               'A' || lpad(floor({ACCOUNTS} * pow((hash(i, 13) % 1000000) / 1000000.0, 2))::INT::VARCHAR, 5, '0') AS account,
               'view' AS action, {number.format('i', people)} AS subject
        FROM range({rows}) t(i)) TO '{records}/access.parquet' (FORMAT parquet)""")
    con.sql(f"""COPY (
        SELECT to_timestamp({1575129600 + DAYS * 86400} + (hash(j, 14) % {seconds})::BIGINT) AS ts, 'police' AS source, 10000000 + j AS seq,
               'D' || j AS "case", {number.format('j + 1000000000', people)} AS victim
        FROM range(100) t(j)) TO '{records}/fraud_report.parquet' (FORMAT parquet)""")
    subprocess.run([suyuan, "ingest", records, *common], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(records)


def again(suyuan, here, n, rows, runs, common):
    """Counting on, and counting all, after more has come in."""
    trace, counts = [suyuan, "trace", "--format", "json", *common], f"{here}/data/counts"
    shutil.rmtree(counts, ignore_errors=True)
    measure(trace, f"{here}/trace.json")
    size = sum(os.path.getsize(f) for f in glob.glob(f"{counts}/*"))
    kept = measure(trace, f"{here}/trace.json")
    copy = f"{here}/counts"
    shutil.copytree(counts, copy, dirs_exist_ok=True)
    more(suyuan, here, n, rows, common)
    on, anew = [], []
    for _ in range(runs):
        shutil.rmtree(counts, ignore_errors=True)
        anew.append(measure(trace, f"{here}/anew.json"))
        shutil.rmtree(counts, ignore_errors=True)
        shutil.copytree(copy, counts)
        on.append(measure(trace, f"{here}/on.json"))
    with open(f"{here}/anew.json", "rb") as a, open(f"{here}/on.json", "rb") as b:
        same = a.read() == b.read()
    shutil.rmtree(copy)
    a, b = ([statistics.median(x[k] for x in of) for k in range(3)] for of in (anew, on))
    return (f"| {n:,} | {rows:,} | {size / 2**20:.0f} | {size / n:.1f} | {kept[0]:.1f} | {kept[1]:.1f} | {a[0]:.1f} | {a[1]:.1f} "
            f"| {b[0]:.1f} | {b[1]:.1f} | {b[2]:.0f} | {'yes' if same else 'NO'} |")


def measure(command, out=None):
    """Wall seconds, CPU seconds and peak MiB of one process."""
    begin = time.monotonic()
    with open(out or os.devnull, "wb") as sink:
        process = subprocess.Popen(command, stdout=sink)
        _, status, use = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return time.monotonic() - begin, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024


def home(suyuan, here, n, common):
    """A data home with that many look-ups, taken in as any others are."""
    os.makedirs(os.path.join(here, "records"))
    print(f"{n:,} accesses: making ({time.strftime('%H:%M:%S')})", file=sys.stderr, flush=True)
    make(os.path.join(here, "records"), n)
    print(f"  intake ({time.strftime('%H:%M:%S')})", file=sys.stderr, flush=True)
    subprocess.run([suyuan, "ingest", f"{here}/records", *common], check=True, stdout=subprocess.DEVNULL)
    # The trace takes what the rules found; one rule that reads neither kind finds nothing.
    subprocess.run([suyuan, "detect", "--only", "login/two-places-at-once", *common], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", os.path.join(here, "records")], check=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--accesses", default="1000000,10000000")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--more", type=int, default=0, help="look-ups that come in afterwards")
    p.add_argument("--homes", help="keep the data homes here, and take those that are there already")
    p.add_argument("--write", action="store_true")
    a = p.parse_args(sys.argv[3:])
    suyuan, folder = sys.argv[1:3]
    lines = [
        "`cargo xtask bench trace --accesses " + a.accesses + f" --runs {a.runs}`: look-ups from Parquet in the lake, {ACCOUNTS:,} accounts, {LEAKERS} of them leaking;",
        "medians. The peer is DuckDB's lift query on the same files: one ratio an account, no model. 同一批湖中文件，对照为DuckDB提升度查询（无模型）。",
        "Wanted: at 1e8 look-ups at most DuckDB's time and 6 s, at 1e9 60 s and 4 GiB; sizes without a row were not run.",
        "目标：一亿次查询时不超过DuckDB用时且不超过6秒，十亿次60秒、4 GiB；表中没有的规模尚未运行。",
        "The two cores are shared with other work, so CPU seconds say more than seconds. Ours are a read and a count of every look-up,",
        "the model, which grows with the victims' touches, and a second read where an account can be a partner of what was found. An account",
        "listed wrong leaks nothing in this world: it would have been accused. 两核与其他任务共用，故以CPU秒为准；我方用时包括读取并计数、模型推断，",
        "以及在有账号可能是同伙时再读一遍。误列的账号在此世界中并未泄露，即被冤枉者。",
        "",
        "| accesses | victims | suyuan: s | CPU s | MiB | DuckDB: s | CPU s | MiB | suyuan's CPU by DuckDB's | listed, right | listed, wrong | right among the first 20 by lift |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    on = []
    for n in [int(float(x)) for x in a.accesses.split(",")]:
        here = os.path.join(a.homes or folder, str(n))
        common = ["--data", f"{here}/data", "--keys", f"{here}/keys", "--quiet", "--threads", "2"]
        if not os.path.exists(f"{here}/data"):
            home(suyuan, here, n, common)
        lake = f"{here}/data/lake/main"
        leakers = {f"A{137 + 300 * k:05}" for k in range(LEAKERS)}
        victims = duckdb.sql(f"SELECT count(DISTINCT victim) FROM read_parquet('{lake}/fraud_report/*.parquet')").fetchall()[0][0]
        query = LIFT.format(reports=f"{lake}/fraud_report/*.parquet", access=f"{lake}/access/*.parquet")
        peer = [sys.executable, "-c", "import duckdb,json,sys;c=duckdb.connect();c.sql('SET threads=2');c.sql('SET enable_progress_bar=false');print(json.dumps(c.sql(sys.argv[1]).fetchall()))", query]
        assert glob.glob(f"{lake}/access/*.parquet")
        ours, theirs = [], []
        for _ in range(a.runs):
            print(f"  run ({time.strftime('%H:%M:%S')})", file=sys.stderr, flush=True)
            shutil.rmtree(f"{here}/data/counts", ignore_errors=True)
            ours.append(measure([suyuan, "trace", "--format", "json", *common], f"{here}/trace.json"))
            theirs.append(measure(peer, f"{here}/lift.txt"))
        with open(f"{here}/trace.json", encoding="utf-8") as f:
            listed = {s["entity"]["id"] for s in json.load(f)["sources"] if s["listed"]}
        with open(f"{here}/lift.txt", encoding="utf-8") as f:
            first = {row[0] for row in json.loads(f.read().splitlines()[-1])}
        m = [statistics.median(x[k] for x in ours) for k in range(3)]
        d = [statistics.median(x[k] for x in theirs) for k in range(3)]
        lines.append(f"| {n:,} | {victims:,} | {m[0]:.1f} | {m[1]:.1f} | {m[2]:.0f} | {d[0]:.1f} | {d[1]:.1f} | {d[2]:.0f} "
                     f"| {m[1] / d[1]:.2f} | {len(listed & leakers)} of {len(leakers)} | {len(listed - leakers)} | {len(first & leakers)} |")
        print(lines[-1], flush=True)
        if a.more:
            on.append(again(suyuan, here, n, a.more, a.runs, common))
            print(on[-1], flush=True)
        if not a.homes:
            subprocess.run(["rm", "-rf", here], check=True)
    if on:
        lines += [
            "",
            "Counts stand from one run to the next. A run again without anything new, then more look-ups of the days after with a hundred",
            "new victims: counting on beside counting all, the same bytes. 计数在两次运行之间保留：无新增时再运行一次；再导入其后数日的查询与一百名新被害人，续计与全量重计对照，结果逐字节相同。",
            "",
            "| accesses | more | counts: MiB | bytes a look-up | nothing new: s | CPU s | counting all: s | CPU s | counting on: s | CPU s | MiB | same bytes |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|",
            *on,
        ]
    print("\n".join(lines))
    if a.write:
        write_section(TITLE, lines)


if __name__ == "__main__":
    main()
