"""Source attribution on made-up worlds: who leaked, who was listed wrongly, when, and how sure.

Called by `cargo xtask eval trace`: eval_trace.py SUYUAN FRESH_DIR [--seeds N] [--first N] [--null N] [--null-first N]
[--only NAME,NAME] [--results FILE] [--write]

Worlds, peers and scores are in crates/suyuan-trace/examples/attribution. Worlds with leaks run on `--seeds` seeds (10),
those without on `--null` seeds each (40), from `--first` (100) on: the model was built on seeds 1 to 9. `--results` keeps one
line a world and goes on from what it holds; delete it when the model has changed.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page import publish, share  # noqa: E402

TITLE = "Source attribution on made-up worlds · 模拟世界上的来源归因"
EDGES = (0.01, 0.1, 0.3, 0.5, 0.8, 0.95, 1.01)
ABOUT = {
    "large-02": "large accounts, 2 % known",
    "large-05": "large accounts, 5 % known",
    "large-10": "large accounts, 10 % known",
    "small-05": "small windows, 5 % known",
    "small-10": "small windows, 10 % known",
    "outlets": "small windows, hidden risk of outlets (sd .7)",
    "waves": "small windows, 20 waves of fraud",
    "batch": "small windows, loot sold as one batch later",
    "log-normal": "small windows, log-normal delay",
    "pairs": "8 pairs and 8 loners, 15 % known",
    "lent": "lent logins: a fourth terminal looks up strangers",
    "cards": "8,000 agents, 12 batches of blank cards",
    "campaigns": "the same where three in ten agents have honest campaigns",
    "hall": "8,000 accounts without outlets, ten million people, 30 % known",
    "busy-hall": "the same with a million people",
    "null-plain": "nobody leaks",
    "null-outlets": "hidden risk of outlets (sd 1.2)",
    "null-waves": "20 waves",
    "null-both": "both, base rate .5 %",
    "null-town": "both, 60,000 people in 8 regions",
    "null-lists": "three outlets lose their customers' list, 60,000 people in 8 regions",
    "null-cards": "card openings",
    "null-campaigns": "card openings with honest campaigns of uneven risk",
    "null-hall": "8,000 accounts without outlets, ten million people",
}


def run(example, name, seeds, keep):
    """One result a world, from the file where it is there."""
    done = {}
    if keep and os.path.exists(keep):
        with open(keep, encoding="utf-8") as f:
            done = {(r["scenario"], r["seed"]): r for r in map(json.loads, f)}
    out = []
    for seed in seeds:
        if (name, seed) not in done:
            line = subprocess.run([example, name, str(seed)], text=True, stdout=subprocess.PIPE, check=True).stdout
            done[name, seed] = json.loads(line)
            if keep:
                with open(keep, "a", encoding="utf-8") as f:
                    f.write(line)
        out.append(done[name, seed])
    return out


def mean(values, digits=2):
    """A mean with its 95 % interval over the worlds."""
    n = len(values)
    if n == 0:
        return "–"
    m = sum(values) / n
    if n == 1:
        return f"{m:.{digits}f}"
    half = 1.96 * (sum((v - m) ** 2 for v in values) / (n - 1) / n) ** 0.5
    return f"{m:.{digits}f} ± {half:.{digits}f}"


def sums(worlds):
    """Counts over all worlds of a scenario."""
    culprits = [c for w in worlds for c in w["culprits"]]
    return {
        "listed": sum(w["listed"] for w in worlds),
        "right": sum(w["right"] for w in worlds),
        "culprits": culprits,
        "overlap": [c["overlap"] for c in culprits if c["overlap"] is not None],
        "covers": [[c["covers"][i] for c in culprits if c.get("covers") and c["covers"][i] is not None] for i in (0, 1)],
        "sets": [s for w in worlds for s in w["sets"]],
    }


def leak_rows(results):
    yield "| world | average precision | recall at precision .9 | list: right of listed | list: recall | of those with ≥ 4 known | window overlap | 90 % limits hold start, end | set holds a source |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, worlds in results.items():
        s = sums(worlds)
        many = [c for c in s["culprits"] if c["harmed"] >= 4]
        found = sum(c["listed"] for c in s["culprits"])
        yield "| " + " | ".join([
            ABOUT[name],
            mean([w["ap"] for w in worlds]),
            mean([w["at_90"] for w in worlds]),
            share(s["right"], s["listed"], 0),
            share(found, len(s["culprits"]), 0),
            share(sum(c["listed"] for c in many), len(many), 0),
            mean(s["overlap"]),
            ", ".join(share(sum(c), len(c), 0) for c in s["covers"]),
            share(sum(x[0] for x in s["sets"]), len(s["sets"]), 0),
        ]) + " |"


def closed(said, enough):
    """Of a ranking (said, leaked): how many the longest head holds with which that is so, and how many of these leaked."""
    best, wrong, right = (0, 0), 0.0, 0
    for i, (p, leaked) in enumerate(sorted(said, key=lambda x: -x[0]), 1):
        wrong, right = wrong + 1 - p, right + leaked
        if enough(i, wrong, right):
            best = i, right
    return best


def list_rows(results):
    """The list as it is, beside one without floors and one closed by the truth."""
    yield "| world | the list: right of listed, recall | closed at a mean error of 5 % by the model's word | closed by the truth where 5 % are wrong: recall |"
    yield "|---|---|---|---|"
    for name, worlds in results.items():
        s = sums(worlds)
        n = len(s["culprits"])
        said = [[(p, leaked) for p, leaked, _ in w["probabilities"]] for w in worlds]
        plain = [closed(of, lambda i, wrong, right: wrong <= .05 * i) for of in said]
        truth = sum(closed(of, lambda i, wrong, right: right >= .95 * i)[1] for of in said)
        listed, right = sum(x[0] for x in plain), sum(x[1] for x in plain)
        # In a pair the partner of a found account is told apart from the ranking.
        if name != "pairs":
            yield (f"| {ABOUT[name]} | {s['right']} of {s['listed']}, {s['right'] / n:.2f} "
                   f"| {right} of {listed}, {right / n:.2f} | {truth / n:.2f} |")


def peer_rows(results):
    names = [p["name"] for p in next(iter(results.values()))[0]["peers"]]
    yield "| world | ours | " + " | ".join(names) + " | hypergeometric list: right of listed |"
    yield "|---|---|" + "---|" * len(names) + "---|"
    for name, worlds in results.items():
        cells = [f"{sum(w['ap'] for w in worlds) / len(worlds):.2f} / {sum(w['at_90'] for w in worlds) / len(worlds):.2f}"]
        for i in range(len(names)):
            of = [w["peers"][i] for w in worlds]
            cells.append(f"{sum(p['ap'] for p in of) / len(of):.2f} / {sum(p['at_90'] for p in of) / len(of):.2f}")
        hyper = [p for w in worlds for p in w["peers"] if p["name"] == "hypergeometric"]
        cells.append(f"{sum(p['right'] for p in hyper)} of {sum(p['listed'] for p in hyper)}")
        yield f"| {ABOUT[name]} | " + " | ".join(cells) + " |"


def null_rows(results):
    yield "| world without a leak | worlds | listed | at .8 or more, not listed | certified | largest probability |"
    yield "|---|---|---|---|---|---|"
    for name, worlds in results.items():
        outside = sum(p >= 0.8 and not listed for w in worlds for p, _, listed in w["probabilities"])
        top = max((p for w in worlds for p, _, _ in w["probabilities"]), default=0)
        yield f"| {ABOUT[name]} | {len(worlds)} | {sum(w['listed'] for w in worlds)} | {outside} | {sum(w['certified'] for w in worlds)} | {top:.2f} |"


def calibration(worlds):
    pairs = [(p, g) for w in worlds for p, g, _ in w["probabilities"]]
    yield "| said | accounts | mean said | leaked |"
    yield "|---|---|---|---|"
    error = 0.0
    for lo, hi in zip(EDGES, EDGES[1:]):
        of = [(p, g) for p, g in pairs if lo <= p < hi]
        if of:
            said, were = sum(p for p, _ in of) / len(of), sum(g for _, g in of)
            error += len(of) * abs(said - were / len(of))
            yield f"| {lo:.2f}–{min(hi, 1):.2f} | {len(of)} | {said:.2f} | {share(were, len(of), 0)} |"
    yield ""
    yield f"Expected calibration error over accounts at .01 or more · 校准误差: {error / max(len(pairs), 1):.3f}."


def targets(results, null):
    """Target by target: what was wanted, what was reached."""
    def list_of(name):
        s = sums(results[name])
        return s["right"] / max(s["listed"], 1), sum(c["listed"] for c in s["culprits"]) / len(s["culprits"]), s

    yield "| target | wanted | reached |"
    yield "|---|---|---|"
    for name, recall in (("large-10", 1.0), ("large-05", 0.93), ("large-02", 0.40), ("small-10", 0.75)):
        if name in results:
            p, r, _ = list_of(name)
            yield f"| {ABOUT[name]}: recall, precision of the 5 % list | {recall:.2f}, .95 | {r:.2f}, {p:.2f} |"
    for name, recall in (("outlets", 0.70), ("batch", 0.72), ("log-normal", 0.72)):
        if name in results:
            p, r, _ = list_of(name)
            yield f"| {ABOUT[name]}: recall, precision | {recall:.2f}, .95 | {r:.2f}, {p:.2f} |"
    if "small-10" in results:
        many = [c for c in list_of("small-10")[2]["culprits"] if c["harmed"] >= 4]
        yield f"| small windows, sources with ≥ 4 known victims: recall | .95 | {sum(c['listed'] for c in many) / max(len(many), 1):.2f} |"
    for name, wanted in (("large-10", 0.85), ("small-10", 0.82)):
        if name in results:
            o = list_of(name)[2]["overlap"]
            yield f"| {ABOUT[name]}: window overlap | {wanted:.2f} | {sum(o) / max(len(o), 1):.2f} |"
    if "cards" in results:
        p, _, s = list_of("cards")
        many = [c for c in s["culprits"] if c["harmed"] >= 3]
        yield f"| card openings: precision; recall of agents with ≥ 3 known | 1.00; .85 | {p:.2f}; {sum(c['listed'] for c in many) / max(len(many), 1):.2f} |"
    if "lent" in results:
        found = [c for c in list_of("lent")[2]["culprits"] if c["listed"]]
        yield f"| lent login: right terminal, of those found | .95 | {share(sum(c['terminal'] for c in found), len(found), 0)} |"
    if "pairs" in results:
        pairs = [c for c in list_of("pairs")[2]["culprits"] if c["of"] == 2]
        wrong = sum(w["added_wrong"] for w in results["pairs"])
        yield f"| pairs: both named; innocents added | .90; 0 | {share(sum(c['named'] == 2 for c in pairs), len(pairs), 0)}; {wrong} |"
    worlds = [w for ws in null.values() for w in ws]
    everything = [w for ws in results.values() for w in ws] + worlds
    if worlds:
        outside = sum(p >= 0.8 and not listed for w in worlds for p, _, listed in w["probabilities"])
        yield (f"| {len(worlds)} worlds without a leak: listed a world; at .8 or more outside the list | ≤ .05; 0 | "
               f"{sum(w['listed'] for w in worlds) / len(worlds):.3f}; {outside} |")
    wrong = sum(w["certified_wrong"] for w in everything)
    yield f"| certified list, all worlds: innocents | 0 | {wrong} of {sum(w['certified'] for w in everything)} |"
    peak = max((w["seconds"] for ws in (*results.values(), *null.values()) for w in ws), default=0)
    yield f"| processor seconds of the inference, worst world | 1 | {peak:.1f} |"


def main():
    args = sys.argv[3:]

    def value(name, default):
        return args[args.index(name) + 1] if name in args else default

    target = os.environ["CARGO_TARGET_DIR"]
    subprocess.run(
        ["cargo", "build", "--quiet", "--profile", "demo", "-p", "suyuan-trace", "--example", "attribution"],
        cwd=os.environ["SUYUAN_ROOT"], check=True,
    )
    example = os.path.join(target, "demo", "examples", "attribution")
    names = subprocess.run([example, "names"], text=True, stdout=subprocess.PIPE, check=True).stdout.split()
    names = [n for n in names if "--only" not in args or n in value("--only", "").split(",")]
    first, keep = int(value("--first", 100)), value("--results", None)
    quiet = int(value("--null-first", first))
    results, null = {}, {}
    for name in names:
        into, n = (null, int(value("--null", 40))) if name.startswith("null-") else (results, int(value("--seeds", 10)))
        start = quiet if into is null else first
        into[name] = run(example, name, range(start, start + n), keep)
        print(name, "done", file=sys.stderr, flush=True)
    lines = [
        f"`cargo xtask eval trace`: 3,630 accounts, 300,000 people, three million look-ups, 20 leaking accounts a world unless said, large",
        f"accounts (1,200 look-ups a year and more) for 45–90 days, in small windows (250 and more) for 14–90, 10 % of leaks known unless said;",
        f"{value('--seeds', 10)} worlds of each kind with leaks, {value('--null', 40)} of each without; seeds {first} and up ({quiet} and up without leaks), the model was built on seeds 1 to 9. The worlds are made by the same hands as the model: some are of its",
        "form, those with hidden risk, waves, batches, log-normal delay, pairs, lent logins and cards are not. The list holds false",
        "discoveries at 5 %; intervals are 95 %; the window overlap is the days shared by the told and the true window over the days of",
        "either, of listed sources. Peers see the same counts; BreachRadar's pseudo-counts are picked with the truth.",
        "Seeds up to 279 judged earlier models, and innocents of 104, 119, 132, 208, 211, 262, 264 and 269 were looked into and led to changes; how far",
        "the list opens was chosen on 206 to 279. None of these is used here, and none of the seeds below was run before.",
        "Halls are made as the bench of source attribution at size makes its records. In a pair both accounts count as sources; the partner is named by the records that both looked at, not by the ranking.",
        f"每个世界3630个工号、30万人、300万次查询、20个泄露工号（另注者除外）；模型在种子1–9上建立，此处为{first}起（无泄露世界为{quiet}起）的新种子，此前从未运行；279号及以前曾用于评判较早的模型，其中104、119、132、208、211、262、264、269的误报经查明并促成改进，名单的宽严在206–279号上选定，均不再使用。名单按5%误报控制，区间为95%；"
        "窗口重合度为所述与真实窗口的共同天数占两者合计天数之比。各对比方法所见计数相同，BreachRadar的先验按真值挑选。",
        "",
    ]
    if results:
        lines += ["### Wanted and reached · 目标与结果", "", *targets(results, null), ""]
        lines += ["### Found · 查出情况", "", *leak_rows(results), ""]
        lines += ["### Were the list longer · 名单若放宽", "",
                  "The list closes at a mean error of 2 %, and nobody on it is below .85. · 名单按平均误报2%收口，单个概率不低于0.85；下表与按5%收口及按真值收口相比。", "",
                  *list_rows(results), ""]
        lines += ["### Beside others · 与其他方法对比", "", "Average precision / recall at precision .9 · 平均精度／精度0.9时的召回", "",
                  *peer_rows(results), ""]
    if null:
        lines += ["### Nobody leaked · 无泄露的世界", "", *null_rows(null), ""]
    everything = [w for ws in (*results.values(), *null.values()) for w in ws]
    lines += ["### How sure · 概率校准", "", *calibration(everything)]
    publish(TITLE, lines, "--write" in args)


if __name__ == "__main__":
    main()
