"""Sigma corpus: public rules and regression events through our matcher and two others.

# packages: pyyaml==6.0.4

    cargo xtask eval sigma --data DIR [--rules DIR] [--write]

The first DIR holds the collection's `rules.tar.gz` and `regression_data.tar.gz` (or both unpacked), the second rules of
regression cases that are not among them; nothing of either is kept.

1. All rules are read; what is refused is told.
2. Each regression case (events, one rule, the number of matches) whose rule is there is run: does the rule fire, as the
   collection's own runner asks, and does it fire as often as the case says.
3. Cross-fires: every rule against every regression event, beside the peers.
4. Made-up events: for every rule, events drawn from its own selections (satisfied or not, case turned, numbers as texts, lists),
   against that rule; the peers' answers beside ours, every difference named.

The draw is seeded, so the figures repeat. `--write` puts the figures into docs/evaluation.md.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(os.environ.get("SUYUAN_ROOT", "."))
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
EACH = 24
SEED = 20


def unpacked(data, fresh):
    """The two folders, unpacked where they are not."""
    found = {}
    for name in ("rules", "regression_data"):
        if (data / name).is_dir():
            found[name] = data / name
            continue
        with tarfile.open(data / f"{name}.tar.gz") as tar:
            tar.extractall(fresh, filter="data")
        found[name] = fresh / name
    return found["rules"], found["regression_data"]


def documents(path):
    """JSON values one after another."""
    text, at, decoder = path.read_text(), 0, json.JSONDecoder()
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value


def cases(folder):
    """Per regression case: rule id, events, expected number of matches (None: at least one)."""
    for info in sorted(folder.rglob("info.yml")):
        said = yaml.safe_load(info.read_text())
        rule = said["rule_metadata"][0]["id"]
        for event in sorted(info.parent.glob("*.json")):
            test = (said.get("regression_tests_info") or [{}])[0]
            yield rule, list(documents(event)), test.get("match_count")


def flat(event):
    """An event of the Windows log by its flat names, spaces stripped, as the peers need it."""
    inner = event.get("Event") if isinstance(event, dict) else None
    if not isinstance(inner, dict):
        return event
    out = {}
    for key, value in (inner.get("System") or {}).items():
        if isinstance(value, dict):
            for name, held in (value.get("#attributes") or {}).items():
                out[f"{key}_{name}"] = held
            if "#text" in value:
                out[key] = value["#text"]
        else:
            out[key] = value

    def body(name, value):
        if isinstance(value, dict):
            if name != "#attributes":
                for k, v in value.items():
                    body(k, v)
        else:
            out[name.replace(" ", "")] = value

    for part in ("EventData", "UserData"):
        for key, value in (inner.get(part) or {}).items():
            body(key, value)
    return out


# Made-up events -------------------------------------------------------------


def filled(draw, text):
    """A text that a Sigma value matches: wildcards filled in, escapes taken away."""
    out, at = "", 0
    while at < len(text):
        c = text[at]
        if c == "\\" and text[at + 1 : at + 2] in ("*", "?", "\\"):
            out, at = out + text[at + 1], at + 2
            continue
        if c == "*":
            c = "".join(draw.choice("xyz 1") for _ in range(draw.randrange(3)))
        elif c == "?":
            c = draw.choice("xyz")
        out, at = out + c, at + 1
    return out


def turned(draw, text):
    """Another case, now and then."""
    return draw.choice([text, text, text.upper(), text.lower()])


def value_for(draw, mods, value):
    """An event's value that should satisfy `field|mods: value`; None where that cannot be drawn simply."""
    values = value if isinstance(value, list) else [value]
    if "re" in mods or "cidr" in mods or "fieldref" in mods or not values:
        return None
    chosen = values if "all" in mods else [draw.choice(values)]
    if any(v is None for v in chosen):
        return None
    if not {"contains", "startswith", "endswith"} & set(mods) and isinstance(chosen[0], (int, float)):
        return draw.choice([chosen[0], str(chosen[0])]) if not isinstance(chosen[0], bool) else chosen[0]
    texts = [turned(draw, filled(draw, str(v))) for v in chosen]
    pad = lambda: "".join(draw.choice("abc -/") for _ in range(draw.randrange(4)))
    text = pad().join(texts)
    if "contains" in mods or "endswith" in mods:
        text = pad() + text
    if "contains" in mods or "startswith" in mods:
        text += pad()
    return text


def satisfy(draw, selection, event):
    """Puts what a selection asks into the event."""
    if isinstance(selection, list):
        if selection and not isinstance(selection[0], dict):
            event[f"message{draw.randrange(3)}"] = "see: " + filled(draw, str(draw.choice(selection)))
            return
        selection = draw.choice(selection)
    if not isinstance(selection, dict):
        event["message"] = str(selection)
        return
    for key, value in selection.items():
        field, *mods = key.split("|")
        if not field:
            words = value if isinstance(value, list) else [value]
            words = words if "all" in mods else [draw.choice(words)]
            event["message"] = " ".join(filled(draw, str(w)) for w in words)
            continue
        if draw.random() < 0.06:
            continue
        drawn = value_for(draw, mods, value)
        if drawn is None:
            continue
        if draw.random() < 0.1:
            drawn = draw.choice([[drawn], ["other", drawn]])
        elif draw.random() < 0.05 and isinstance(drawn, str) and drawn:
            drawn = drawn[:-1]
        event[field] = drawn


def events_of(draw, rule):
    detection = rule["detection"]
    names = [n for n in detection if n not in ("condition", "timeframe")]
    for _ in range(EACH):
        event = {"unrelated": "value"}
        for name in names:
            likely = 0.25 if "filter" in name else 0.85
            if draw.random() < likely:
                satisfy(draw, detection[name], event)
        # Dotted fields as objects, half of the time.
        if draw.random() < 0.5:
            event = nested(event)
        yield event


def nested(event):
    out = {}
    for key, value in event.items():
        at, *rest = key.split(".")
        here, names = out, [at, *rest]
        for name in names[:-1]:
            held = here.get(name)
            if held is None:
                held = here[name] = {}
            if not isinstance(held, dict):
                break
            here = held
        else:
            if not isinstance(here.get(names[-1]), dict):
                here[names[-1]] = value
            continue
        out[key] = value
    return out


# Runs -------------------------------------------------------------------------


def run(what, rules, events, fresh):
    lines = fresh / "events.jsonl"
    lines.write_text("".join(json.dumps(e) + "\n" for e in events))
    done = subprocess.run([str(w) for w in what] + [str(rules), str(lines)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def build():
    """Our example and the peers' binary."""
    cargo = ["cargo", "build", "--quiet"]
    subprocess.run(
        cargo + ["--profile", "demo", "-p", "suyuan-detect", "--example", "sigma"], cwd=ROOT, check=True
    )
    env = dict(os.environ, CARGO_TARGET_DIR=str(TARGET / "peers"))
    subprocess.run(cargo + ["--release", "-p", "peer-sigma"], cwd=ROOT / "bench/peers", env=env, check=True)
    return TARGET / "demo/examples/sigma", TARGET / "peers/release/peer-sigma"


ENGINES = ("suyuan", "rsigma", "sigma_rust")


def answers(folder, events, own, peer, fresh, twice=True):
    """Which file's rule (by number) matches which event, and how many rules are read, by engine; the files; the times."""
    flats = [flat(e) for e in events]
    us = run([own], folder, events, fresh)
    if twice:
        again = run([own], folder, flats, fresh)
        assert us["matched"] == again["matched"], "an event and its flat form must match alike"
        for f in us["faults"]:
            print("  refused:", f)
    results = {"suyuan": us, **run([peer], folder, flats, fresh)}
    return {
        "folder": folder,
        "files": us["files"],
        "hits": {k: {tuple(m) for m in results[k]["matched"]} for k in ENGINES},
        "read": {k: len(us["files"]) - len(results[k]["faults"]) for k in ENGINES},
        "ms": {k: results[k]["match_ms"] for k in ENGINES},
    }


def regression(listed, got):
    """Of the cases whose rule is there: those that fire, those that fire as often as said, by engine; and how many there are.
    Also the pairs of a rule and an event of its own case."""
    index = {yaml.safe_load((got["folder"] / f).read_text()).get("id"): n for n, f in enumerate(got["files"])}
    place, fires, counts, own = 0, Counter(), Counter(), set()
    for rid, events, expected in listed:
        span = range(place, place + len(events))
        place += len(events)
        if rid not in index:
            continue
        pairs = {(index[rid], e) for e in span}
        own |= pairs
        n = {k: len(pairs & hits) for k, hits in got["hits"].items()}
        fires["there"] += 1
        counts["there"] += expected is not None
        fires.update(k for k in ENGINES if n[k])
        counts.update(k for k in ENGINES if n[k] == expected)
        if any(n[k] == 0 or expected not in (None, n[k]) for k in ENGINES):
            print(f"  case {got['files'][index[rid]]}: expected {expected}, of {len(events)} events {n}")
    return fires, counts, own


def row(label, values):
    return f"| {label} | " + " | ".join(str(values[k]) for k in ENGINES) + " |"


def differences(got, events):
    """The answers in which a peer differs from ours, named."""
    out = {}
    for name in ENGINES:
        shown = Counter()
        for r, e in sorted(got["hits"]["suyuan"] ^ got["hits"][name]):
            shown[r] += 1
            if shown[r] == 1 and len(shown) <= 12:
                side = "ours" if (r, e) in got["hits"]["suyuan"] else name
                print(f"  only {side}: {got['files'][r]} on {json.dumps(events[e])[:220]}")
        out[name] = shown.total()
        if shown:
            print(f"  {name} differs on {len(shown)} rules: {[(got['files'][r], n) for r, n in shown.most_common(12)]}")
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("suyuan")
    parser.add_argument("fresh", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rules", type=Path, help="a folder with the rules of the regression cases, where DIR lacks them")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    args.fresh.mkdir(parents=True, exist_ok=True)
    rules, data = unpacked(args.data, args.fresh)
    tools = (*build(), args.fresh)

    listed = list(cases(data))
    events = [e for _, list_, _ in listed for e in list_]
    lines = []
    say = lambda text: (print(text), lines.append(text))
    say("| | suyuan | rsigma-eval 0.23.0 | sigma-rust 0.7.0 |")
    say("|---|---|---|---|")
    fires, counts, files = Counter(), Counter(), {}
    folders = [("", rules)] + [("cases' rules: ", args.rules)] * (args.rules is not None)
    for label, folder in folders:
        got = answers(folder, events, *tools)
        files[label] = got["files"]
        n = len(got["files"])
        say(row(f"{label}read, of {n}", got["read"]))
        f, c, of_case = regression(listed, got)
        fires, counts = fires + f, counts + c
        cross = {k: len(hits - of_case) for k, hits in got["hits"].items()}
        say(row(f"{label}cross-fires, {n} rules and {len(events)} events", cross))
        say(row(f"{label}of {n * len(events)} answers, other than suyuan's", differences(got, events)))
    say(row(f"regression cases of {len(listed)}: the rule fires, of {fires['there']} whose rule is there", fires))
    say(row(f"it fires as often as the case says, of {counts['there']} that say it", counts))
    for label, folder in folders:
        made_up(label, folder, files[label], tools, say)
    if args.write:
        write(lines)


def made_up(label, folder, files, tools, say):
    draw = random.Random(SEED)
    drawn, owner = [], []
    for n, path in enumerate(files):
        for e in events_of(draw, yaml.safe_load((folder / path).read_text())):
            drawn.append(e)
            owner.append(n)
    got = answers(folder, drawn, *tools, twice=False)
    mine = {k: {(r, e) for r, e in hits if owner[e] == r} for k, hits in got["hits"].items()}
    say(row(f"{label}made-up events ({len(drawn)}): matches of their own rule", {k: len(m) for k, m in mine.items()}))
    say(row(f"{label}rules that match at least one of theirs", {k: len({r for r, _ in m}) for k, m in mine.items()}))
    say(row(f"{label}events on which it differs from suyuan", {k: len(mine["suyuan"] ^ m) for k, m in mine.items()}))
    everywhere = {k: len(h) for k, h in got["hits"].items()}
    say(row(f"{label}every rule against every made-up event: matches", everywhere))
    say(row(f"{label}of {len(files) * len(drawn)} answers, other than suyuan's", differences(got, drawn)))
    say(row(f"{label}time to match them, s", {k: f"{ms / 1000:.1f}" for k, ms in got["ms"].items()}))


def write(lines):
    page = ROOT / "docs/evaluation.md"
    text = page.read_text()
    table = "\n".join(lines)
    new = re.sub(
        r"(<!-- sigma -->\n).*?(<!-- /sigma -->)", lambda m: m[1] + table + "\n" + m[2], text, flags=re.S
    )
    assert new != text or table in text, "docs/evaluation.md has no place for the table"
    page.write_text(new)


main()
