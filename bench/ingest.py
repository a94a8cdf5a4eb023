"""Rows/s and MB/s into the lake, beside DuckDB loading the same file into Parquet.

Called by `cargo xtask bench ingest`: ingest.py SUYUAN FOLDER [--rows N].
The same rows as CSV, NDJSON and Parquet; each pair runs in turn (A B A B A B); CPU and memory are the
operating system's own figures of each finished process; the ratio is taken pair by pair.
Suyuan validates, tokenises, seals, sorts, deduplicates and commits; DuckDB parses and writes.
"""

import os
import random
import shutil
import statistics
import subprocess
import sys
import time

SUYUAN, FOLDER = sys.argv[1:3]
ROWS = int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else 2_000_000
MAKING = sys.argv[-1] == "make"
PAIRS = 3
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity(rng):
    body = f"{rng.choice(('330681', '330106', '330502', '320583', '310115'))}{rng.randint(1955, 2002)}" \
           f"{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(0, 999):03}"
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, WEIGHTS)) % 11]


def make_csv(path):
    """Look-ups as a business system logs them: 400 accounts, 300,000 persons."""
    rng = random.Random(7)
    people = [identity(rng) for _ in range(min(300_000, ROWS))]
    start = 1_575_158_400
    with open(path, "w", encoding="utf-8") as out:
        out.write("ts,source,seq,account,device,session,ip,app,action,subject,result,categories,order\n")
        for i in range(ROWS):
            t = time.gmtime(start + i * 31_536_000 // ROWS + 28_800)
            account = rng.randrange(400)
            order = f"W{rng.randrange(10**8):08}" if rng.random() < .9 else ""
            out.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S', t)}+08:00,crm,{i + 1},ZJ{account:05},PC-{account:05},"
                      f"S{i // 40},10.20.{account % 200}.{i % 250},crm,view,{rng.choice(people)},ok,"
                      f"id_number;phone,{order}\n")


def make_others(csv, ndjson, parquet):
    import duckdb
    rows = f"read_csv('{csv}', all_varchar = true)"
    duckdb.sql(f"COPY (SELECT * FROM {rows}) TO '{ndjson}' (FORMAT json)")
    duckdb.sql(f"COPY (SELECT * REPLACE (seq::BIGINT AS seq) FROM {rows}) TO '{parquet}' (FORMAT parquet)")


def measure(command):
    """Wall seconds, CPU seconds and peak MiB of one process."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, use = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return wall, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024


def ours(file):
    home = os.path.join(FOLDER, "home")
    shutil.rmtree(home, ignore_errors=True)
    return measure([SUYUAN, "ingest", "--data", home, "--keys", os.path.join(FOLDER, "keys"), file])


def peer(file, reader):
    out = os.path.join(FOLDER, "peer.parquet")
    code = f"import duckdb; duckdb.sql(\"SET threads = 2\"); " \
           f"duckdb.sql(\"COPY (SELECT * FROM {reader}('{file}')) TO '{out}' (FORMAT parquet, COMPRESSION zstd)\")"
    return measure([sys.executable, "-c", code])


def main():
    names = {k: os.path.join(FOLDER, f"access.{k}") for k in ("csv", "ndjson", "parquet")}
    if MAKING:
        print(f"making {ROWS:,} rows", flush=True)
        make_csv(names["csv"])
        make_others(*names.values())
        return
    # In a process of its own: a child's peak memory begins with that of the process it is started from.
    subprocess.run([sys.executable, *sys.argv, "make"], check=True)
    print(f"{os.cpu_count()} cores; {ROWS:,} rows; medians of {PAIRS} pairs\n")
    print("| file | MB | suyuan rows/s | MB/s | CPU s | peak MiB | DuckDB rows/s | CPU s | wall ratio | CPU ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind, reader in (("csv", "read_csv"), ("ndjson", "read_json"), ("parquet", "read_parquet")):
        pairs = [(ours(names[kind]), peer(names[kind], reader)) for _ in range(PAIRS)]
        med = statistics.median
        a, b = ([med(p[side][i] for p in pairs) for i in range(3)] for side in (0, 1))
        mb = os.path.getsize(names[kind]) / 1e6
        print(f"| {kind} | {mb:.0f} | {ROWS / a[0]:,.0f} | {mb / a[0]:.0f} | {a[1]:.1f} | {a[2]:.0f} | "
              f"{ROWS / b[0]:,.0f} | {b[1]:.1f} | {med(p[0][0] / p[1][0] for p in pairs):.2f} | "
              f"{med(p[0][1] / p[1][1] for p in pairs):.2f} |", flush=True)


main()
