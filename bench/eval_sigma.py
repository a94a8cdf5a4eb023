"""Sigma corpus: public rules and regression events through our matcher and two others.

# packages: pyyaml==6.0.4

    cargo xtask eval sigma --data DIR [--write]

DIR holds the collection's `rules.tar.gz` and `regression_data.tar.gz` (or both unpacked); nothing of it is kept.

1. All rules are read; what is refused is told.
2. Each regression case (events, one rule, the number of matches) whose rule is in the collection is run.
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
    """An event of the Windows log by its flat names, as the peers need it."""
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
            out[name] = value

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


def regression(listed, us, them):
    """How many cases each engine gets right, of those whose rule is there."""
    index = {rid: n for n, (_, rid) in enumerate(us["rules"])}
    place, right, there = 0, Counter(), 0
    hits = {"suyuan": pairs(us), "rsigma-eval": pairs(them["rsigma"]), "sigma-rust": pairs(them["sigma_rust"])}
    for rid, events, expected in listed:
        span = range(place, place + len(events))
        place += len(events)
        if rid not in index:
            continue
        there += 1
        for name, got in hits.items():
            n = sum((index[rid], e) in got for e in span)
            right[name] += n == expected if expected is not None else n >= 1
    return there, right


def pairs(result):
    return {tuple(m) for m in result["matched"]}


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
    own, peer = build()

    listed = list(cases(data))
    events = [e for _, list_, _ in listed for e in list_]
    us = run([own], rules, events, args.fresh)
    them = run([peer], rules, [flat(e) for e in events], args.fresh)
    again = run([own], rules, [flat(e) for e in events], args.fresh)
    assert pairs(us) == pairs(again), "an event and its flat form must match alike"

    lines = []
    say = lambda text: (print(text), lines.append(text))
    say("| | suyuan | rsigma-eval 0.23.0 | sigma-rust 0.7.0 |")
    say("|---|---|---|---|")
    total = len(us["rules"]) + len(us["faults"])
    say(
        f"| rules read of {total} | {len(us['rules'])} | {total - len(them['rsigma']['faults'])} "
        f"| {total - len(them['sigma_rust']['faults'])} |"
    )
    for f in us["faults"]:
        print("  refused:", f)
    there, right = regression(listed, us, them)
    if args.rules:
        us2 = run([own], args.rules, events, args.fresh)
        them2 = run([peer], args.rules, [flat(e) for e in events], args.fresh)
        more, right2 = regression(listed, us2, them2)
        there, right = there + more, right + right2
        for f in us2["faults"]:
            print("  refused:", f)
    say(
        f"| regression cases right, of {there} whose rule is there (of {len(listed)}) | {right['suyuan']} "
        f"| {right['rsigma-eval']} | {right['sigma-rust']} |"
    )
    say(
        f"| cross-fires: {total} rules, {len(events)} events | {len(pairs(us))} | {len(pairs(them['rsigma']))} "
        f"| {len(pairs(them['sigma_rust']))} |"
    )
    for name, got in (("rsigma", pairs(them["rsigma"])), ("sigma_rust", pairs(them["sigma_rust"]))):
        for label, diff in ((f"ours, not {name}", pairs(us) - got), (f"{name}, not ours", got - pairs(us))):
            for r, n in Counter(r for r, _ in diff).most_common(10):
                print(f"  {label}: {us['rules'][r][0]} x{n}")

    made_up(rules, us, own, peer, args.fresh, say)
    if args.write:
        write(lines)


def made_up(rules, us, own, peer, fresh, say):
    draw = random.Random(SEED)
    drawn, owner = [], []
    for n, (path, _) in enumerate(us["rules"]):
        for e in events_of(draw, yaml.safe_load((rules / path).read_text())):
            drawn.append(e)
            owner.append(n)
    a = run([own], rules, drawn, fresh)
    b = run([peer], rules, drawn, fresh)
    mine = lambda result: {(r, e) for r, e in pairs(result) if owner[e] == r}
    got = {"suyuan": mine(a), "rsigma": mine(b["rsigma"]), "sigma_rust": mine(b["sigma_rust"])}
    ruled = lambda s: len({r for r, _ in s})
    say(
        f"| made-up events ({len(drawn)}): matches of their own rule | {len(got['suyuan'])} | {len(got['rsigma'])} "
        f"| {len(got['sigma_rust'])} |"
    )
    say(
        f"| rules that match at least one of theirs | {ruled(got['suyuan'])} | {ruled(got['rsigma'])} "
        f"| {ruled(got['sigma_rust'])} |"
    )
    off = {k: got["suyuan"] ^ got[k] for k in ("rsigma", "sigma_rust")}
    say(f"| events on which it differs from suyuan | 0 | {len(off['rsigma'])} | {len(off['sigma_rust'])} |")
    every = {k: pairs(r) for k, r in (("suyuan", a), ("rsigma", b["rsigma"]), ("sigma_rust", b["sigma_rust"]))}
    say(
        f"| every rule against every made-up event: matches | {len(every['suyuan'])} | {len(every['rsigma'])} "
        f"| {len(every['sigma_rust'])} |"
    )
    wide = {k: len(every["suyuan"] ^ every[k]) for k in ("rsigma", "sigma_rust")}
    say(f"| of {len(us['rules']) * len(drawn)} answers, other than suyuan's | 0 | {wide['rsigma']} | {wide['sigma_rust']} |")
    say(
        f"| time to match them, s | {a['match_ms'] / 1000:.1f} | {b['rsigma']['match_ms'] / 1000:.1f} "
        f"| {b['sigma_rust']['match_ms'] / 1000:.1f} |"
    )
    for name in ("rsigma", "sigma_rust"):
        shown = Counter()
        for r, e in sorted(every["suyuan"] ^ every[name]):
            shown[r] += 1
            if shown[r] == 1 and len(shown) <= 12:
                side = "ours" if (r, e) in every["suyuan"] else name
                print(f"  only {side}: {us['rules'][r][0]} on {json.dumps(drawn[e])[:220]}")
        print(f"  {name} differs on {len(shown)} rules: {[(us['rules'][r][0], n) for r, n in shown.most_common(12)]}")


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
