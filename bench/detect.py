# packages: duckdb==2.0.0 numpy==2.3.5 pyyaml==6.0.3
"""Twenty rules over the same made-up events: ours over the lake and live, beside DuckDB, rsigma-eval and Flink SQL.

Called by `cargo xtask bench detect [--events N] [--accounts N] [--runs N] [--lanes a,b] [--engines a,b]`: detect.py SUYUAN FOLDER ...

First the sets of alerts are compared, as (rule, key, row at which the condition held): all must agree, except where the reason is
known and said. Flink needs Java and a package of 330 MB: where they are not there, it is left out, and what is missing is said
(lanes/flink.py). Every engine gets memory in large pages where the C library gives them to it, and what it frees is kept for it
(`suyuan` asks for that itself).
Each engine runs as a process of its own, in turn, pinned to one core; CPU seconds and
peak memory are the operating system's figures of the finished process; ratios are taken run by run. Lanes:
ordered (200 k accounts, and 2 k), late (each event arrives up to 60 s late), hot (a fifth of the events on one account),
keys (a million accounts), restart (state saved, engine dropped and restored every 200,000 events), evidence (every alert with
all its rows; of rsigma at most 1,000 references a window, of DuckDB the triggering row as always). Each lane also says what
a delivery of 2,048 lines took the live engine, and the load of the machine. All of it takes about three minutes of CPU time at
the default size, of which rsigma takes two; give `--events 2000000 --runs 3` on a machine of your own.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lanes"))
import flink  # noqa: E402

ROOT = os.environ.get("SUYUAN_ROOT", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BENCH = os.path.join(ROOT, "bench")
RULES = os.path.join(BENCH, "detect-rules")
RESTART = 200_000
# Seconds by which an event may come late where some do (lanes/data.py).
LATE = 60
# As `suyuan` asks for memory itself (crates/suyuan/src/memory.rs): large pages, and freed memory is kept.
MEMORY = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=268435456"
# An engine that takes more CPU seconds than this in one run is stopped, and said to have been.
PATIENCE = 300
# The engines by the names that options give them.
SHORT = {"batch": "Suyuan batch", "live": "Suyuan live", "duckdb": "DuckDB, 1 thread", "duckdb2": "DuckDB, 2 threads", "rsigma": "rsigma",
         "flink": "Flink SQL"}
# 0.23 does not compare a percentile with its threshold (and interpolates between ranks).
UNLIKE = {"b15"}


def options():
    p = argparse.ArgumentParser()
    p.add_argument("suyuan")
    p.add_argument("folder")
    p.add_argument("--events", type=int, default=500_000)
    p.add_argument("--accounts", type=int, default=200_000)
    p.add_argument("--runs", type=int, default=1)
    p.add_argument("--lanes", default="ordered,small,late,hot,keys,restart,evidence,latency,pauses")
    p.add_argument("--engines", default=",".join(SHORT), help="DuckDB with one thread is the oracle, and always runs")
    return p.parse_args()


# The evaluator, the lake, the model and the reader of rules are compiled as a release has them; all else is what other commands
# have compiled already.
RELEASE = [word for crate, units in (("suyuan-detect", 1), ("suyuan-lake", 16), ("suyuan-model", 16), ("granit-parser", 16))
           for setting in (f"codegen-units={units}", "opt-level=3", "incremental=false")
           for word in ("--config", f"profile.demo.package.{crate}.{setting}")]


def built(*arguments, cwd=ROOT, target=TARGET):
    subprocess.run(["cargo", "build", "--quiet", *arguments], check=True, cwd=cwd, env={**os.environ, "CARGO_TARGET_DIR": target})


def programs():
    built("--profile", "demo", "-p", "suyuan-lake", "--example", "detect_lanes", *RELEASE)
    peers = os.path.join(TARGET, "peers")
    built("--release", "-p", "peer-lanes", cwd=os.path.join(BENCH, "peers"), target=peers)
    return os.path.join(TARGET, "demo", "examples", "detect_lanes"), os.path.join(peers, "release", "peer-lanes")


class Run:
    """One finished process: wall and CPU seconds, peak MiB, what it printed; None where it was stopped."""

    def __init__(self, command, cores="0"):
        self.stopped = False
        begin = time.monotonic()
        p = subprocess.Popen(["taskset", "-c", cores, *map(str, command)], stdout=subprocess.PIPE, text=True, start_new_session=True,
                             env={**os.environ, "GLIBC_TUNABLES": MEMORY})
        try:
            # The output is one line; it does not fill the pipe.
            while os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                if spent(p.pid) > PATIENCE:
                    os.killpg(p.pid, signal.SIGKILL)
                    self.stopped = True
                time.sleep(.02)
            said = p.stdout.read()
            _, status, use = os.wait4(p.pid, 0)
        finally:
            p.stdout.close()
        self.wall = time.monotonic() - begin
        self.cpu, self.mib = use.ru_utime + use.ru_stime, use.ru_maxrss / 1024
        if os.waitstatus_to_exitcode(status) != 0 and not self.stopped:
            sys.exit(f"failed: {' '.join(map(str, command))}")
        self.said = json.loads(said) if said.startswith("{") else {}


def spent(pid):
    """CPU seconds of a running process and those that it started."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as text:
            user, system = text.read().rsplit(")", 1)[1].split()[11:13]
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as text:
            children = text.read().split()
    except FileNotFoundError:
        return 0
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") + sum(map(spent, children))


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


class Lane:
    """One set of events, and every engine over it."""

    def __init__(self, opt, programs, name, accounts, hot=0):
        self.opt, self.name = opt, name
        self.ours, self.rsigma = programs
        self.folder = os.path.join(opt.folder, f"{accounts}-{hot}")
        self.sigma = os.path.join(opt.folder, "sigma.yml")
        if not os.path.isdir(self.folder):
            os.makedirs(self.folder)
            lanes("data", self.folder, opt.events, accounts, hot)
            subprocess.run([self.ours, "make", self.folder], check=True)
        if not os.path.exists(self.sigma):
            lanes("sigma", RULES, self.sigma)
        self.said = {}

    def out(self, engine):
        path = os.path.join(self.folder, f"{self.name}-{engine}")
        if engine.startswith("DuckDB"):
            os.makedirs(path, exist_ok=True)
        return path

    def command(self, engine, events):
        f, events = self.folder, os.path.join(self.folder, f"{events}.ndjson")
        duck = [sys.executable, os.path.join(BENCH, "lanes", "duck.py"), os.path.join(f, "lake", "main"), self.out(engine)]
        rows = ["refs"] if self.name == "evidence" else []
        return {
            "Suyuan batch": [self.ours, "batch", RULES, f, self.out(engine), *rows],
            "Suyuan live": [self.ours, "live", RULES, events, self.out(engine)],
            "DuckDB, 1 thread": [*duck, 1],
            "DuckDB, 2 threads": [*duck, 2],
            "rsigma": [self.rsigma, self.sigma, events, self.out(engine)],
            "Flink SQL": [sys.executable, os.path.join(BENCH, "lanes", "flink.py"), events, self.out(engine),
                          LATE if "late" in os.path.basename(events) else 0],
        }[engine]

    def measure(self, engines, events="ordered", extra=()):
        """Runs the engines in turn, `runs` times, and prints the medians."""
        runs = {e: [] for e in engines}
        for _ in range(self.opt.runs):
            for e in engines:
                if runs[e] and runs[e][-1].stopped:
                    continue
                more = [] if e.startswith(("DuckDB", "Suyuan batch", "Flink")) else list(extra)
                runs[e].append(Run(self.command(e, events) + more, "0,1" if "2 threads" in e else "0"))
        live = runs.get("Suyuan live")
        if live:
            self.said = live[-1].said
        for e in engines:
            done = runs[e]
            ratio = {base: median([r.cpu / b.cpu for r, b in zip(done, runs[base])])
                     for base in engines if base.startswith("Suyuan")}
            self.show(e, done, ratio)
        return runs

    def show(self, engine, done, ratio):
        n = self.opt.events
        cpu = median([r.cpu for r in done])
        shown = [self.name, engine]
        if done[-1].stopped:
            shown += [f"> {cpu:.1f}", "stopped", f"< {n / cpu:,.0f}"]
        else:
            shown += [f"{cpu:.2f}", f"{median([r.wall for r in done]):.2f}", f"{n / cpu:,.0f}"]
        shown += [f"{median([r.mib for r in done]):,.0f}"]
        shown += [f"{ratio[b]:.1f}" if b in ratio else "-" for b in ("Suyuan batch", "Suyuan live")]
        print("| " + " | ".join(shown) + " |", flush=True)

    def same(self, engines, reference="DuckDB, 1 thread"):
        """Compares the alerts that the last runs wrote; says every difference."""
        for e in engines:
            if e != reference:
                compare(self, reference, e)


def lanes(script, *arguments):
    # In a process of its own: a child's peak memory begins with that of the process it is started from.
    subprocess.run([sys.executable, os.path.join(BENCH, "lanes", f"{script}.py"), *map(str, arguments)], check=True)


def compare(lane, one, other):
    """Prints how many alerts both have, and how many each has alone, by rule where they differ."""
    lines = subprocess.run([sys.executable, os.path.join(BENCH, "lanes", "same.py"), lane.folder, lane.out(one), lane.out(other)],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    total = {"both": 0, "one": 0, "other": 0}
    for rule, both, only_one, only_other in (line.split() for line in lines):
        if other == "rsigma" and rule in UNLIKE:
            print(f"  {lane.name}: {rule}: not compared with rsigma, which ignores the threshold of a percentile")
            continue
        for k, v in zip(total, (both, only_one, only_other)):
            total[k] += int(v)
        if int(only_one) or int(only_other):
            print(f"  {lane.name}: {rule}: {both} in both, {only_one} only {one}, {only_other} only {other}")
    print(f"{lane.name}: {one} and {other}: {total['both']:,} alerts in both, {total['one']:,} only in the first, "
          f"{total['other']:,} only in the second", flush=True)


HEAD = ["| lane | engine | CPU s | wall s | events/s per core | peak MiB | CPU, times batch | CPU, times live |",
        "|---|---|---|---|---|---|---|---|"]
ALL = ["Suyuan batch", "Suyuan live", "DuckDB, 1 thread", "DuckDB, 2 threads", "rsigma", "Flink SQL"]


def details(lane, options, title):
    """One more run of ours and of rsigma with what slows it down measured: latency, restarts, evidence."""
    chosen = {SHORT[e] for e in lane.opt.engines.split(",")}
    for e in ("Suyuan live", "rsigma"):
        if e not in chosen:
            continue
        r = Run(lane.command(e, options[0]) + list(options[1:]))
        print(f"{title}, {e}: " + ("stopped" if r.stopped else json.dumps(r.said)), flush=True)


def main():
    opt = options()
    chosen = opt.lanes.split(",")
    built_programs = programs()
    lane = lambda name, accounts, hot=0: Lane(opt, built_programs, name, accounts, hot)
    print(f"{os.cpu_count()} cores shared; {opt.events:,} events, 20 rules; medians of {opt.runs}; load {os.getloadavg()[0]:.0f}\n")
    tables = {
        "ordered": lambda: run(lane("ordered", opt.accounts), ALL),
        "small": lambda: run(lane("small", 2_000), ALL),
        "late": lambda: run(lane("late", opt.accounts), ["Suyuan live", "DuckDB, 1 thread", "rsigma", "Flink SQL"], "late"),
        "hot": lambda: run(lane("hot", opt.accounts, 20), ["Suyuan batch", "Suyuan live", "DuckDB, 1 thread", "rsigma"]),
        "keys": lambda: run(lane("keys", 1_000_000), ["Suyuan batch", "Suyuan live", "DuckDB, 1 thread", "rsigma"]),
        "restart": lambda: run(lane("restart", opt.accounts), ["Suyuan live", "DuckDB, 1 thread", "rsigma"], "late",
                               [f"restart={RESTART}"]),
        "evidence": lambda: run(lane("evidence", opt.accounts), ["Suyuan batch", "Suyuan live", "DuckDB, 1 thread", "rsigma"],
                                "ordered", ["refs"]),
        "latency": lambda: details(lane("latency", opt.accounts), ["ordered", "latency"], "per event"),
        "pauses": lambda: details(lane("pauses", opt.accounts), ["ordered", f"restart={RESTART}"],
                                  f"restart every {RESTART:,} events"),
    }
    for name in chosen:
        tables[name]()


def run(lane, engines, events="ordered", extra=()):
    wanted = {SHORT[e] for e in lane.opt.engines.split(",")} | {"DuckDB, 1 thread"}
    engines = [e for e in engines if e in wanted]
    if "Flink SQL" in engines and (why := flink.missing()):
        print(f"Flink is left out: {why}")
        engines.remove("Flink SQL")
    print("\n".join(HEAD), flush=True)
    lane.measure(engines, events, extra)
    print(flush=True)
    lane.same(engines)
    if lane.said:
        more = {k: lane.said[k] for k in ("delivery_us", "pause_us", "recovery_us", "state_bytes", "evidence_rows") if lane.said.get(k)}
        print(f"{lane.name}: live: {json.dumps(more)}; load of the machine {os.getloadavg()[0]:.0f}")
    print(flush=True)


if __name__ == "__main__":
    main()
