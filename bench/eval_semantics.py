"""The evaluator against SQL on made-up rules and rows: the same alerts, or a difference is shown.

Called by `cargo xtask eval semantics [--cases N] [--from N]`. Each trial is a rule of every correlation type over rows
with ties, missing keys and late arrival; the rule is printed as SQL (self-joins on the total order) and run by DuckDB,
which shares no code with us. Compared are the sets of triggering rows. The short form runs in the tests, with DataFusion
(`crates/suyuan-sql/src/oracle.rs`); what the rules mean is `docs/semantics.md`.
"""

import json
import os
import subprocess
import sys
import tempfile

import duckdb

SUYUAN, FOLDER = sys.argv[1:3]
ARGS = sys.argv[3:]
COLUMNS = {
    "opening": {"ts": "BIGINT", "source": "VARCHAR", "seq": "BIGINT", "account": "VARCHAR", "device": "VARCHAR",
                "card": "VARCHAR", "subject": "VARCHAR", "plan": "VARCHAR", "duration_s": "BIGINT"},
    "login": {"ts": "BIGINT", "source": "VARCHAR", "seq": "BIGINT", "account": "VARCHAR", "device": "VARCHAR",
              "result": "VARCHAR", "session": "VARCHAR"},
}


def option(name, default):
    return int(ARGS[ARGS.index(name) + 1]) if name in ARGS else default


def stamp(us):
    import datetime
    t = datetime.datetime.fromtimestamp(us // 1_000_000, datetime.UTC)
    part = us % 1_000_000
    text = t.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{part:06d}Z" if part else text + "Z"


def literal(value):
    return "NULL" if value is None else str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def answer(con, trial):
    # One statement fills each table: a prepared one a row takes most of a trial's time.
    parts = []
    for kind, columns in COLUMNS.items():
        parts.append(f"DELETE FROM {kind}")
        rows = [f"({', '.join(literal(r.get(c)) for c in columns)})" for r in trial["tables"][kind]]
        if rows:
            parts.append(f"INSERT INTO {kind} VALUES {', '.join(rows)}")
    con.execute(";\n".join(parts))
    found = con.execute(trial["sql"]).fetchall()
    return {f"{kind}/{source}/{seq}@{stamp(ts)}" for kind, ts, source, seq, *_ in found}


def main():
    first, cases = option("--from", 0), option("--cases", 1100)
    example = ["cargo", "run", "--quiet", "--profile", "demo", "-p", "suyuan-detect", "--example", "trials", "--"]
    lines = subprocess.Popen([*example, str(first), str(first + cases)], stdout=subprocess.PIPE, text=True,
                             cwd=os.environ["SUYUAN_ROOT"])
    con = duckdb.connect()
    con.execute("SET threads = 1")
    for kind, columns in COLUMNS.items():
        con.execute(f"CREATE TABLE {kind} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
    done = alerts = wrong = 0
    for line in lines.stdout:
        trial = json.loads(line)
        try:
            got = answer(con, trial)
        except duckdb.Error as e:
            got = {f"error: {e}"}
        want = set(trial["alerts"])
        done += 1
        alerts += len(want)
        if got != want:
            wrong += 1
            if wrong <= 5:
                print(f"trial {trial['number']}: only SQL {sorted(got - want)[:5]}, only ours {sorted(want - got)[:5]}\n"
                      f"{trial['rule']}\n{trial['sql']}\n")
    if lines.wait() or done != cases:
        sys.exit(f"the trials ended early, after {done}")
    print(f"{done} trials, {alerts} alerts, {wrong} with a difference")
    sys.exit(1 if wrong else 0)


main()
