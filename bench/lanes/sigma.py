"""Our rules as plain Sigma for rsigma-eval.

Three differences of meaning are put right here, so that both count the same: `logsource` becomes a condition on `record`, since
rsigma does not compare it with events; a window of W becomes W - 1 s, since rsigma counts whole seconds and its window holds the
row that lies exactly W back; `temporal` says how many rules must have matched, since rsigma takes one to be enough.
"""

import glob
import os
import sys
import uuid

import yaml

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def detection(doc):
    kind = doc["logsource"]["service"]
    body = {n: s if n == "condition" else {"record": kind, **s} for n, s in doc["detection"].items()}
    return {"title": doc["name"], "name": doc["name"], "id": str(uuid.uuid5(uuid.NAMESPACE_OID, doc["name"])),
            "logsource": {"product": "suyuan", "service": kind}, "detection": body}


def correlation(doc, rule):
    body = dict(doc["correlation"])
    span = body["timespan"]
    body["timespan"] = f"{int(span[:-1]) * UNITS[span[-1]] - 1}s"
    if body["type"] == "temporal":
        body["condition"] = {"gte": len(body["rules"])}
    return {"title": rule, "id": str(uuid.uuid5(uuid.NAMESPACE_OID, rule)), "correlation": body}


def plain(folder):
    detections, correlations = {}, []
    for path in sorted(glob.glob(os.path.join(folder, "*.yml"))):
        with open(path, encoding="utf-8") as text:
            *steps, last = yaml.safe_load_all(text)
        detections |= {d["name"]: detection(d) for d in steps}
        correlations.append(correlation(last, os.path.basename(path)[:3]))
    return yaml.safe_dump_all([*detections.values(), *correlations], sort_keys=False)


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(plain(sys.argv[1]))
