"""Compares what a run wrote with the truth of its made-up world.

score.py OUT TRUTH prints one JSON object. The product never sees the truth; only this does, afterwards.
"""

import json
import os
import sys

NAMED = 0.8


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def members(case):
    """Every id a case names, with the names it says are the same."""
    found = set()
    for actor in case["actors"]:
        found.add(actor["entity"]["id"])
        found.update(e["id"] for e, _ in actor["same_as"])
    for operator in case["operators"]:
        found.update(e["id"] for e in operator["operator"])
    return found


def share(part, whole):
    return None if not whole else len(set(part) & set(whole)) / len(set(whole))


def score(out, truth):
    cases = load(os.path.join(out, "case.json"))["cases"]
    sources = load(os.path.join(out, "sources.json"))["sources"]
    rows = dict(load(os.path.join(out, "run.json"))["rows"])
    world = load(os.path.join(truth, "truth.json"))
    flagged = {c["card"] for case in cases for c in case["cards"]}
    ring_cards = {c for r in world["rings"] for c in r["cards"]}
    guilty_cards = ring_cards | {c for g in world.get("groups", []) for c in g["cards"]}
    rings = []
    for ring in world["rings"]:
        cards = set(ring["cards"])
        best = max(cases, key=lambda c: len(cards & {k["card"] for k in c["cards"]}), default=None)
        overlap = cards & {k["card"] for k in best["cards"]} if best else set()
        if not overlap:
            rings.append({"id": ring["id"], "kind": ring["kind"], "found": False, "recall": 0.0})
            continue
        named = members(best)

        def linked(party):
            """Whether the case names the party or any of its traces (`account=...`)."""
            return party["party"] in named or any(t.split("=", 1)[-1] in named for t in party["traces"])

        totals = best["totals"]
        rings.append({
            "id": ring["id"], "kind": ring["kind"], "found": True, "probability": best["probability"],
            "recall": len(overlap) / len(cards), "extra": len(best["cards"]) - len(overlap),
            "accounts": share(named, ring["accounts"]), "devices": share(named, ring["devices"]),
            "collectors": share(named, ring["collectors"]), "sellers": share(named, ring["sellers"]),
            "outlet": ring["outlet"] in named,
            "parties": sum(map(linked, ring["parties"])),
            "parties_of": len(ring["parties"]),
            "cards_exact": totals["cards"] == len(cards),
            "fraud_cards_exact": totals["fraud_cards"] == len(ring["fraud_cards"]),
            "fraud_cases_exact": totals["fraud_cases"] == len(ring["fraud_cases"]),
            "loss_exact": round(float(totals["loss_cny"]) * 100) == ring["loss_fen"],
        })
    guilty = {i for r in world["rings"] for k in ("accounts", "devices", "collectors", "sellers") for i in r[k]}
    guilty |= {r["outlet"] for r in world["rings"]} | {r["agent"] for r in world["rings"] if r["agent"]}
    guilty |= {o for r in world["rings"] for o in r["other_outlets"]}
    guilty |= {l["account"] for l in world["leakers"]}
    for group in world.get("groups", []):
        guilty |= {i for k in ("accounts", "devices", "outlets", "agents", "others") for i in group[k]}
    named = {s["entity"]["id"] for s in sources if s["probability"] >= NAMED}
    listed = {s["entity"]["id"] for s in sources if s["listed"]}
    return {
        "world": world["world"], "size": world["size"], "seed": world["seed"],
        "rings": rings,
        "ring_recall": share(flagged, ring_cards),
        "other_flagged": len(flagged - guilty_cards) / max(1, rows["opening"] - len(guilty_cards)),
        "leakers": {l["id"]: l["account"] in named | listed for l in world["leakers"]},
        "leaker_kinds": {l["id"]: l["kind"] for l in world["leakers"]},
        "innocent_named": sorted(i for i in named - guilty),
        "innocent_listed": sorted(i for i in listed - guilty),
        "cases": len(cases),
    }


if __name__ == "__main__":
    print(json.dumps(score(sys.argv[1], sys.argv[2]), indent=1, ensure_ascii=False))
