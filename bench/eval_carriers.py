# packages: numpy==2.4.6
"""Detection at carriers that `suyuan sim` did not make: `cargo xtask eval carriers`.

eval_carriers.py SUYUAN FOLDER [--seeds N,N] [--worlds NAME;NAME] [--write] [--keep]

Village shops, a city with halls and an online seller, made by `bench/carriers` from the description of the records alone. Each goes
through `suyuan run`; only then is the truth read, with the definitions of `cargo xtask eval detect`.
"""

import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from carriers import rings  # noqa: E402
from carriers.city import City  # noqa: E402
from carriers.online import Online  # noqa: E402
from carriers.village import Village  # noqa: E402
from eval_detect import FOLDER, SUYUAN, World, cause_rows, group_rows, option, world_rows  # noqa: E402
from page import publish, share  # noqa: E402

TITLE = "Detection at other carriers · 其他运营商上的检测"
SEEDS = "13"  # nobody looked at it while mending
CARRIERS = {"village": Village, "city": City, "online": Online}
GUILTY = {"plain": rings.plain, "otherwise": rings.otherwise, "nobody guilty": None}
ABOUT = """
`cargo xtask eval carriers{options}`. Three carriers of half a year and 35,000 to 50,000 openings each, made by a generator of their own (`bench/carriers`) from the
description of the records and not by `suyuan sim`; definitions as in the section on made-up worlds, the truth is read after the run. *Village*: 130 shops, one
account shared by a family at home and at fairs, coarse addresses, the shop's own number as contact, works with hands from far away, four times as much around
Spring Festival; no terminals, shifts, look-ups or use of cards. *City*: halls with rotating counters, kiosks, vans, five campuses in September, visitors,
firms' contracts with and without a number, a new system that renames every device, clocks that are fast. *Online*: couriers, and one account for
all who activate in the app; faces taken days before; no logins, terminals, shifts or positions of outlets, zeros for a third of the handsets. All have gaps, retries and rows booked
late. *Plain*: three rings of 60, 400 and 2,000 cards after the reference case. *Otherwise*: by night, through a VPN, several logins in turn, two a day, and half through
the shop's own computer; where the records can show it also a gateway, dormant cards, cards carried abroad, and two insiders who look people up.
三家运营商由独立生成器（`bench/carriers`）仅按记录说明制作，不用 `suyuan sim`；口径同模拟世界一节，运行结束后才读取答案。乡村：一家人共用一个工号、
地址粗略、外来务工人员多、春节高峰；城市：轮换柜台、自助机、流动销售车、九月校园、集团合同、年中换系统；线上：快递员送卡激活与应用自助激活。
均含缺失、重复、迟到与占位值。每家三种世界：按参考案例的三个团伙（60、400、2000 张卡）、其他手法（夜间、VPN、多工号轮换、慢速、与正常业务混合，
以及网关、休眠卡、境外用卡、查询内鬼），以及无人作案。

Seeds 1, 11 and 12 were looked at and led to changes. At first 25 %, 2 % and 37 % of the other cards were flagged in village, city and online, and three cases were written of
honest cards in each village world; then (habits of the house) .9 to 1.6 %, .2 to .6 % and .3 to 1.8 %, with two innocents up for review. Of these the app's
own account was a numerical fault (the chance of far fewer strangers than expected came out as 0, not 1); the courier who serves dormitories stood by two
families that were one: how many persons a device serves is counted from the openings, and is of their family now. With a busy desk's share, the
season, shops that go to fairs and counties where customers of all outlets go, explanations that take weight off, and two rules that tell of insiders where nobody notes orders,
seed 12 (its first run): village .64 to .78 %, online .04 to .67 %, nobody innocent up for review, plain rings' accounts up after 1 to 13 openings, one after 38.
Then seed 12 was looked at. Nearly all of the village's were one shop beside works, of whose strangers 190 of 220, not nine in ten, were seen to come themselves; online they were honest
customers of accounts that rings worked with; and where many telephones send hours late, a ring's old faces stood out after some thirty only. Since then faces of more than a day before
are a sign of their own; a desk's lateness is held against its local customers'; and rows that an explanation clears each by itself, or that are no more than the
habit at a device, are no evidence of a finding that stands. With that seed 12: village .05 to .23 %, online *plain* .19 %, *otherwise* .39 %; plain rings' accounts up after 2 to 8 openings, in
village through a VPN after 24 (before 50).
Wanted are at most .6 % of other cards flagged, nobody innocent up for review, and the plain ring's account up for review within twelve openings. The seed below was not
looked at before; it was run once.
种子 1、11、12 用于查找并改正问题：最初村、城、线上三家其他卡被标记的比例为25%、2%、37%；加入单位通行做法后为0.9–1.6%、0.2–0.6%、0.3–1.8%，另有两名无辜者被列入复核：
应用自助工号系数值错误（外省客户远少于预期时概率误为0），服务宿舍的快递员则是同一批开卡被当作两个记录族。其后加入业务量、旺季、赶集摆摊与常见去向的核查，
未达排除程度的解释降低权重，并增加两条查询内鬼规则；种子12首次运行：村级0.64–0.78%，线上0.04–0.67%，无一无辜列入复核，按参考案例的团伙其工号在1–13笔、个别38笔后列入复核。
随后查看种子12：村级几乎全在一家毗邻工厂的网点（外省客户220人中190人可见为本人到场，不足九成），线上为团伙所用工号的正当客户；在多数终端延迟数小时上传的运营商，旧人像须约三十笔才显异常。
现将一天以前的人像单列为信号，终端的延迟与其本地客户相比，被逐条排除或仅属该终端通行做法的记录不作证据。种子12由此降为：村级0.05–0.23%，线上0.19%与0.39%；
按参考案例的团伙2–8笔后列入复核，村级VPN团伙24笔（此前50笔）。目标：其他卡被标记不超过0.6%，无辜者不列入复核，按参考案例的团伙其工号在12笔开卡内列入复核。下表种子此前未用，仅运行一次。

Not reached on seed 13: a ring that works through a VPN is up after 32 (online) and 26 openings (city) only, as its false place shows nowhere; of the cards flagged wrongly most are late faces of honest orders at accounts
whose own device the ring uses too, and dozens opened at one door in a day. Insiders are told: online by the kinds of data they took (`access/data-nobody-else-takes`), by night also by days on
days of many persons, in the city first by look-ups without a reason; who takes what colleagues take, and no more than four times as many, is not told: where nobody notes orders and honest look-ups are of persons without any
business too, business before or after tells nothing, and neither does the hour. Nobody is put up for review for look-ups alone: they are one family.
种子13未达标：VPN团伙在32笔（线上）、26笔（城市）后才列入复核（其虚假位置无处可见）；误标记的卡多为团伙同用其终端的工号的正当订单旧人像，以及一日内同一门口的成批开卡。
查询内鬼：线上因所查信息类别而发现，城市首先因无依据查询而发现；若所查类别与同岗位相同且人数不超过四倍，则无法发现。
"""


def make(base, carrier, guilty, seed):
    """Writes records and truth of one world."""
    maker = CARRIERS[carrier](seed)
    if GUILTY[guilty]:
        GUILTY[guilty](maker)
    maker.aftermath()
    maker.logins()
    maker.write(os.path.join(base, "records"))
    os.makedirs(os.path.join(base, "truth"))
    with open(os.path.join(base, "truth", "truth.json"), "w", encoding="utf-8") as f:
        json.dump(maker.truth(f"{carrier}, {guilty}", seed), f, ensure_ascii=False)


def run(base):
    """Runs a world; seconds and peak MiB."""
    begin, out = time.monotonic(), os.path.join(base, "out")
    process = subprocess.Popen([SUYUAN, "run", os.path.join(base, "records"), "--out", out, "--keys", os.path.join(FOLDER, "keys"), "--quiet"],
                               stdout=subprocess.DEVNULL)
    _, status, use = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"{base}: the run failed")
    shutil.rmtree(os.path.join(out, "data"), ignore_errors=True)
    return time.monotonic() - begin, use.ru_maxrss / 1024


def cases(base, world):
    """Cases written: those whose cards are mostly a ring's, and the others with their probabilities and the cause planted."""
    result = world.summary()
    guilty = {c for g in world.groups for c in g["cards"]} | world.fraud
    with open(os.path.join(base, "out", "case.json"), encoding="utf-8") as f:
        written = json.load(f)["cases"]
    right = [2 * sum(c["card"] in guilty for c in case["cards"]) > len(case["cards"]) for case in written]
    result["cases"] = sum(right)
    result["other_cases"] = [round(case["probability"], 2) for case, good in zip(written, right) if not good]
    return result


def case_rows(results):
    lines = ["| world | cases of rings | cases of honest cards | their probabilities |", "|---|---|---|---|"]
    for world in dict.fromkeys(r["world"] for r in results):
        own = [r for r in results if r["world"] == world]
        other = sorted(p for r in own for p in r["other_cases"])
        lines.append(f"| {world} | {sum(r['cases'] for r in own)} | {len(other)} | {', '.join(map(str, other)) or '–'} |")
    return lines


def section(results, used):
    return [ABOUT.strip("\n").replace("{options}", f" {used}" if used else ""), "", "### Groups", "", *group_rows(results), "", "### Worlds", "",
            *world_rows(results), "", "### Cases", "", *case_rows(results), "", "### Honest entities up for review, by what they are", "", *cause_rows(results)]


def main():
    worlds = option("--worlds", ";".join(f"{c}, {g}" for c in CARRIERS for g in GUILTY)).split(";")
    results = []
    for world in worlds:
        carrier, guilty = world.split(", ")
        for seed in map(int, option("--seeds", SEEDS).split(",")):
            base = os.path.join(FOLDER, f"{carrier}-{guilty.replace(' ', '-')}-{seed}")
            shutil.rmtree(base, ignore_errors=True)
            make(base, carrier, guilty, seed)
            seconds, mib = run(base)
            result = cases(base, World(base))
            result.update(seconds=seconds, mib=mib)
            results.append(result)
            with open(os.path.join(FOLDER, "results.json"), "w", encoding="utf-8") as f:
                json.dump(results, f, ensure_ascii=False, indent=1)
            print(world, seed, "ring cards", share(*result["ring_cards"]), "others", share(*result["others"], digits=2), "review", result["review"],
                  "wrong", result["wrong"], "cases", result["cases"], result["other_cases"], f"{seconds:.0f} s", file=sys.stderr, flush=True)
            if "--keep" not in sys.argv:
                shutil.rmtree(base)
    lines = section(results, " ".join(a for a in sys.argv[3:] if a not in ("--write", "--keep")))
    publish(TITLE, lines, "--write" in sys.argv)


if __name__ == "__main__":
    main()
