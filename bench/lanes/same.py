"""Compares two sets of alerts: same.py FOLDER ONE OTHER prints, per rule, how many are in both, only in one, only in the other.

DuckDB's alerts are a folder of RULE.csv with `key,seq`, the others' one file of `rule,key,seq`. Of a key of several fields the
first one is compared; a row lies in one group of a rule only. rsigma fires on earlier steps of a finished sequence too; of
rules b05, b09 and b19 only the rows of the last step count.
"""

import os
import sys

import duckdb

LAST_STEP = {"b05": "opening", "b09": "access", "b19": "opening"}


def load(db, name, path, folder):
    if os.path.isdir(path):
        parts = [f"SELECT '{f[:3]}', k, s FROM read_csv('{path}/{f}', header = false, columns = {{'k': 'VARCHAR', 's': 'BIGINT'}})"
                 for f in sorted(os.listdir(path))]
        query = " UNION ALL ".join(parts)
    else:
        query = f"SELECT * FROM read_csv('{path}', header = false, columns = {{'r': 'VARCHAR', 'k': 'VARCHAR', 's': 'BIGINT'}})"
    db.execute(f"CREATE TABLE {name} AS SELECT DISTINCT r, split_part(k, '|', 1) AS k, s FROM ({query}) AS t(r, k, s)")
    for rule, kind in LAST_STEP.items():
        db.execute(f"DELETE FROM {name} WHERE r = '{rule}' AND s NOT IN (SELECT seq FROM '{folder}/{kind}.parquet')")


def main():
    folder, one, other = sys.argv[1:4]
    db = duckdb.connect()
    load(db, "a", one, folder)
    load(db, "b", other, folder)
    db.execute("""CREATE TABLE c AS SELECT coalesce(a.r, b.r) AS r, a.s IS NOT NULL AS in_a, b.s IS NOT NULL AS in_b
                  FROM a FULL JOIN b ON a.r = b.r AND a.k = b.k AND a.s = b.s""")
    for row in db.execute("""SELECT r, count(*) FILTER (in_a AND in_b), count(*) FILTER (in_a AND NOT in_b),
                             count(*) FILTER (in_b AND NOT in_a) FROM c GROUP BY r ORDER BY r""").fetchall():
        print(*row)


main()
