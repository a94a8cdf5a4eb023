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


OF_ACCOUNT = {"LentLogin": {"credential_owner"}, "Careful": {"credential_owner"}, "StockDiverter": {"stock_agent", "opener"},
              "LabourBulk": {"opener"}, "ReplayedFaces": {"opener"}, "Commission": {"opener"}}
OF_PARTY = {"owner": {"credential_owner"}, "harvester": {"harvester"}}


def roles_of(ring):
    """What each actor of a ring did by the truth: a name, its other names, and the roles of which one must be told."""
    out = [((a,), OF_ACCOUNT[ring["kind"]]) for a in ring["accounts"]]
    lent = ring["kind"] in ("LentLogin", "Careful")
    for c in ring["collectors"]:
        out += [((c,), {"harvester"})] + ([((c,), {"operator"})] if lent else [])
    out += [((s,), {"seller"}) for s in ring["sellers"]]
    out += [((ring["outlet"],), {"outlet"})] if ring["outlet"] else []
    out += [((d,), {"device"}) for d in ring["devices"]]
    for p in ring["parties"]:
        out.append(((p["party"], *(t.split("=", 1)[-1] for t in p["traces"])), OF_PARTY.get(p["role"], {p["role"]})))
    return out


def told(case):
    """Roles that a case gives at a probability of one half or more, by every name of the actor."""
    out = {}
    for actor in case["actors"]:
        if actor["probability"] >= 0.5:
            for name in [actor["entity"]["id"], *(e["id"] for e, _ in actor["same_as"])]:
                out.setdefault(name, set()).add(actor["role"])
    return out


def roles(case, ring):
    """Roles of the truth that the case tells, all of them, and actors that it names and the truth does not hold."""
    said, true = told(case), roles_of(ring)
    right = sum(any(said.get(n, set()) & which for n in names) for names, which in true)
    known = {n for names, _ in true for n in names} | {ring["agent"]} | set(ring["other_outlets"])
    strangers = sorted({a["entity"]["id"] for a in case["actors"] if a["probability"] >= 0.5} - known)
    return right, len(true), strangers


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
            rings.append({"id": ring["id"], "kind": ring["kind"], "found": False, "recall": 0.0,
                          "roles": 0, "roles_of": len(roles_of(ring)), "strangers": []})
            continue
        named = members(best)

        def linked(party):
            """Whether the case names the party or any of its traces (`account=...`)."""
            return party["party"] in named or any(t.split("=", 1)[-1] in named for t in party["traces"])

        totals = best["totals"]
        right, of, strangers = roles(best, ring)
        rings.append({
            "id": ring["id"], "kind": ring["kind"], "found": True, "probability": best["probability"],
            "recall": len(overlap) / len(cards), "extra": len(best["cards"]) - len(overlap),
            "accounts": share(named, ring["accounts"]), "devices": share(named, ring["devices"]),
            "collectors": share(named, ring["collectors"]), "sellers": share(named, ring["sellers"]),
            "outlet": ring["outlet"] in named,
            "roles": right, "roles_of": of, "strangers": strangers,
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
