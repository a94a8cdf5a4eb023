//! An office whose clerk sells customers' data for two months, told in rows: who is found, who worked beside the
//! clerk, and who only looks as if.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod dice;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use suyuan_model::outcome::{Outcome, Question, Source, Trace};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};
use suyuan_trace::{Params, trace};

use dice::Dice;

const START: i64 = 1_577_808_000; // 2020-01-01T00:00:00+08:00
const DAYS: i64 = 300;
#[derive(Clone, Copy)]
struct Office {
    seed: u64,
    /// Share of what the clerk touches in the leak that is sold and becomes known.
    sold: f64,
    /// The days of the leak.
    leak: (i64, i64),
}

const OFFICE: Office = Office { seed: 1, sold: 0.25, leak: (100, 160) };

#[derive(Default)]
struct Rows(Vec<(i64, Kind, Value)>);

impl Rows {
    fn put(&mut self, kind: Kind, day: i64, minute: i64, mut row: Value) {
        let ts = (START + day * 86_400 + minute * 60) * time::SECOND;
        row["ts"] = time::format(ts).into();
        let seq = self.0.len() as i64 + 1;
        row["seq"] = seq.into();
        row["line"] = seq.into();
        self.0.push((ts, kind, row));
    }

    fn look(&mut self, account: &str, person: i64, day: i64, minute: i64) {
        let row = json!({"account": account, "action": "view", "subject": format!("idn1-p{person}"), "result": "ok"});
        self.put(Kind::Access, day, minute, row);
    }

    fn source(mut self, cut: usize) -> MemorySource {
        self.0.sort_by_key(|r| r.0);
        let mut out = MemorySource::default();
        for kind in Kind::ALL {
            let rows: Vec<Value> = self.0.iter().filter(|r| r.1 == *kind).map(|r| r.2.clone()).collect();
            for part in rows.chunks(cut) {
                out.push(*kind, fixture::batch(*kind, part).unwrap());
            }
        }
        out
    }
}

/// Five clerks at each of eight outlets, and who follows the clerk `c00`: a supervisor all year, a partner and a
/// colleague lent for the time of the leak.
fn office(o: Office) -> Rows {
    made(o).0
}

/// Of each victim the day of the first harm, and whether it was the clerk's doing.
type Victims = BTreeMap<i64, (i64, bool)>;

/// The office and its victims.
fn made(o: Office) -> (Rows, Victims) {
    let (mut rows, mut dice) = (Rows::default(), Dice(o.seed));
    let mut first = Victims::new();
    let mut note = |person, day, sold| {
        let at = first.entry(person).or_insert((day, sold));
        *at = (*at).min((day, sold));
    };
    for outlet in 0..8 {
        let name = format!("o{outlet}");
        let row = json!({"outlet": name, "agent": "ag", "region6": "330681"});
        rows.put(Kind::Outlet, -300, 0, row);
        for k in 0..5 {
            let row = json!({"account": format!("c{outlet}{k}"), "holder": format!("idn1-h{outlet}{k}"), "outlet": name});
            rows.put(Kind::Staff, -300, 1, row);
        }
    }
    let harm = |rows: &mut Rows, person: i64, day: i64| {
        if day < DAYS {
            let row = json!({"case": format!("A{person}-{day}"), "victim": format!("idn1-p{person}"), "loss_cny": "9000"});
            rows.put(Kind::FraudReport, day, 1200, row);
        }
    };
    for day in 0..DAYS {
        for outlet in 0..8 {
            for k in 0..5 {
                for n in 0..4 {
                    let person = outlet * 1000 + dice.below(1000);
                    let (account, minute) = (format!("c{outlet}{k}"), 540 + n * 60 + k);
                    rows.look(&account, person, day, minute);
                    if account == "c00" {
                        if dice.unit() < 0.8 {
                            rows.look("supervisor", person, day, minute + 30);
                        }
                        if (o.leak.0..o.leak.1).contains(&day) {
                            if dice.unit() < 0.9 {
                                rows.look("partner", person, day, minute + 7);
                            }
                            if dice.unit() < 0.9 {
                                rows.look("lent", person, day, minute + 9);
                            }
                            if dice.unit() < o.sold {
                                let used = day + 3 + dice.below(30);
                                harm(&mut rows, person, used);
                                if used < DAYS {
                                    note(person, used, true);
                                }
                            }
                        }
                    }
                }
            }
        }
        // The partner has work of its own all year, and fraud strikes anybody.
        for n in 0..4 {
            rows.look("partner", dice.below(8000), day, 800 + n);
        }
        if day % 4 == 3 {
            let person = dice.below(8000);
            harm(&mut rows, person, day);
            note(person, day, false);
        }
    }
    (rows, first)
}

fn traced(o: Office, params: &Params) -> Trace {
    trace(&office(o).source(4096), &[], params, &mut |_| {}).unwrap()
}

fn clerk(t: &Trace) -> &Source {
    t.sources.iter().find(|s| s.question == Question::VictimData && s.entity.id == "c00").unwrap()
}

#[test]
fn partners_are_told_and_who_works_beside_all_year_is_not() {
    let found = traced(OFFICE, &Params::default());
    let again = trace(&office(OFFICE).source(1711), &[], &Params::default(), &mut |_| {}).unwrap();
    assert_eq!(found, again, "batches cut elsewhere");
    let clerk = clerk(&found);
    assert!(clerk.listed, "{} {}", clerk.probability, clerk.log_bayes_factor);
    let names: Vec<&str> = clerk.partners.iter().map(|p| p.entity.id.as_str()).collect();
    assert_eq!(
        names,
        ["partner"],
        "neither the supervisor nor the colleague who was there for the leak only"
    );
    let p = &clerk.partners[0];
    assert!(p.inside.share() > 0.7 && p.outside.share() < 0.1, "{p:?}");
    assert!(p.log_chance < -50.0, "{}", p.log_chance);
    assert!(p.evidence.total() >= p.inside.hits, "a row for every repeat");
    assert!(p.evidence.rows().iter().all(|r| r.kind == Kind::Access));
    assert!(
        p.counter
            .iter()
            .any(|c| c.outcome == Outcome::NotCheckable && c.detail.en.contains("proves no leak"))
    );
    assert!(p.counter.iter().all(|c| !c.detail.zh.is_empty() && !c.what.zh.is_empty()));
}

#[test]
fn without_a_leak_nobody_is_listed_and_nobody_stands_beside() {
    let found = traced(Office { sold: 0.0, ..OFFICE }, &Params::default());
    assert!(found.sources.iter().all(|s| !s.listed && s.probability < 0.5 && s.partners.is_empty()));
}

#[test]
fn the_window_is_told_in_days_with_limits() {
    let (mut held, mut narrow) = (0, 0);
    for seed in 1..5 {
        let found = traced(Office { seed, ..OFFICE }, &Params::default());
        let clerk = clerk(&found);
        let day = |ts: i64| (ts / time::SECOND - START) as f64 / 86_400.0;
        let limits = clerk.limits.unwrap();
        for (end, truth) in [(limits.start, OFFICE.leak.0), (limits.end, OFFICE.leak.1)] {
            let (a, b) = (day(end.earliest.unwrap()), day(end.latest.unwrap()));
            assert!(a <= b, "{a} {b}");
            held += usize::from(a <= truth as f64 && truth as f64 <= b);
            narrow += usize::from(b - a < 14.0);
        }
    }
    assert!(held >= 6 && narrow >= 6, "{held} of 8 ends held, {narrow} within a fortnight");
}

#[test]
fn a_leak_that_fills_the_records_has_no_limits() {
    let found = traced(Office { leak: (0, DAYS), sold: 0.06, ..OFFICE }, &Params::default());
    let limits = clerk(&found).limits.unwrap();
    assert_eq!((limits.start.earliest, limits.end.latest), (None, None), "{limits:?}");
    assert!(limits.text().en.contains("at the border of the records"));
    assert_eq!(clerk(&found).partners, [], "nothing outside the window to compare with");
}

#[test]
fn whom_the_clerk_sold_is_told_one_by_one() {
    let (mut said, mut true_) = (0.0, 0.0);
    for seed in 1..5 {
        let o = Office { seed, ..OFFICE };
        let (found, victims) = (traced(o, &Params::default()), made(o).1);
        let clerk = clerk(&found);
        for h in &clerk.harms {
            let person: i64 = h.thing.id.trim_start_matches("idn1-p").parse().unwrap();
            let (day, sold) = victims[&person];
            assert_eq!(h.at, (START + day * 86_400 + 1200 * 60) * time::SECOND, "the first harm");
            assert!(h.touch.ts < h.at && h.touch.kind == Kind::Access);
            said += h.share;
            true_ += f64::from(u8::from(sold));
        }
        assert!(clerk.harms.is_sorted_by(|a, b| a.share >= b.share));
        let inside = clerk.inside.unwrap();
        assert!(inside.harmed as f64 > 5.0 * inside.expected, "{inside:?}");
        assert!((0.12..0.35).contains(&inside.rate), "a quarter was sold: {inside:?}");
        assert!(inside.expected < clerk.expected, "the window is a part of the year");
    }
    assert!((said - true_).abs() < 0.1 * true_, "{said} told, {true_} in truth");
}

/// An office in which every clerk has a desk, and a harvest of strangers' data under the clerk's login for two months: `by` says on
/// which device, and in which hours of the day.
fn harvest(seed: u64, by: &str, hours: (i64, i64)) -> Trace {
    let (mut rows, mut dice) = (Rows::default(), Dice(seed));
    for k in 0..8 {
        let row = json!({"account": format!("c{k}"), "holder": format!("idn1-h{k}"), "outlet": "o0"});
        rows.put(Kind::Staff, -300, 1, row);
        let row = json!({"device": format!("pc-{k}"), "outlet": "o0"});
        rows.put(Kind::Terminal, -300, 2, row);
    }
    let look = |rows: &mut Rows, (account, device): (&str, &str), person: i64, day: i64, minute: i64| {
        let ip = if device.starts_with("pc") { "10.3.1.7" } else { "172.20.9.4" };
        let row = json!({"account": account, "action": "view", "subject": format!("idn1-p{person}"), "device": device, "ip": ip});
        rows.put(Kind::Access, day, minute, row);
    };
    let harm = |rows: &mut Rows, person: i64, day: i64| {
        if day < DAYS {
            let row = json!({"case": format!("A{person}-{day}"), "victim": format!("idn1-p{person}"), "loss_cny": "9000"});
            rows.put(Kind::FraudReport, day, 1200, row);
        }
    };
    for day in 0..DAYS {
        for k in 0..8 {
            for n in 0..6 {
                let (account, device) = (format!("c{k}"), format!("pc-{k}"));
                look(&mut rows, (&account, &device), dice.below(6000), day, 540 + n * 70 + k);
            }
        }
        if (100..160).contains(&day) {
            for n in 0..4 {
                let person = dice.below(6000);
                look(&mut rows, ("c0", by), person, day, hours.0 * 60 + n * (hours.1 - hours.0) * 15);
                if dice.unit() < 0.3 {
                    harm(&mut rows, person, day + 3 + dice.below(30));
                }
            }
        }
        if day % 3 == 0 {
            harm(&mut rows, dice.below(6000), day);
        }
    }
    trace(&rows.source(4096), &[], &Params::default(), &mut |_| {}).unwrap()
}

fn lender(found: &Trace) -> &Source {
    found.sources.iter().find(|s| s.entity.id == "c0" && s.listed).unwrap()
}

#[test]
fn the_terminal_behind_a_lent_login_is_named_and_its_operator_is_a_suspect_of_its_own() {
    for seed in 1..5 {
        // A telephone on no list, at night.
        let found = harvest(seed, "ph-x", (1, 4));
        assert!(lender(&found).finer.iter().any(|e| e.id == "ph-x"), "{:?}", lender(&found).finer);
        assert!(lender(&found).finer.iter().all(|e| !e.id.starts_with("pc")), "not the clerk's own");
        let hand = &found.operators[0];
        assert_eq!((hand.account.id.as_str(), hand.operator[0].id.as_str()), ("c0", "ph-x"));
        assert_eq!(hand.owner.as_ref().unwrap().id, "idn1-h0");
        assert!(hand.probability > 0.9, "{:?}", hand.reasons);
        assert!(hand.evidence.rows().iter().all(|r| r.kind == Kind::Access));
        // A colleague's desk in the hours of work: the colleague is named, too.
        let found = harvest(seed, "pc-5", (9, 17));
        let hand = &found.operators[0];
        let who: Vec<&str> = hand.operator.iter().map(|e| e.id.as_str()).collect();
        assert_eq!((who, hand.account.id.as_str()), (vec!["pc-5", "c5"], "c0"));
        assert!(hand.probability > 0.5, "{:?}", hand.reasons);
        // At a colleague's empty desk in the evening: whose desk it is says nothing of whose hands.
        let found = harvest(seed, "pc-5", (19, 22));
        assert!(lender(&found).finer.iter().any(|e| e.id == "pc-5"));
        assert!(found.operators.iter().all(|o| o.operator.iter().all(|e| e.id != "c5")), "c5 had gone home");
    }
}

#[test]
fn a_clerk_who_sells_from_the_own_desk_lent_nothing() {
    for seed in 1..5 {
        let found = harvest(seed, "pc-0", (9, 17));
        assert!(lender(&found).probability > 0.9);
        assert!(found.operators.iter().all(|o| o.probability < 0.1), "{:?}", found.operators);
    }
}

#[test]
fn what_came_from_outside_is_told_with_an_interval() {
    let mut held = 0;
    for seed in 1..6 {
        let o = Office { seed, ..OFFICE };
        let (found, victims) = (traced(o, &Params::default()), made(o).1);
        let truth = victims.values().filter(|x| !x.1).count() as f64;
        let told = found.outside.iter().find(|x| x.question == Question::VictimData).unwrap();
        assert!(told.low <= told.expected && told.expected <= told.high && told.high <= told.harmed as f64);
        assert!((told.expected - truth).abs() < 0.2 * truth, "{told:?}, in truth {truth}");
        held += usize::from(told.low <= truth && truth <= told.high);
    }
    assert!(held >= 4, "{held} of 5");
}

/// A quiet office in which these accounts looked at one canary from day 110 on, and it was misused on day 140.
fn with_canary(holders: &[&str], sold: f64) -> Trace {
    let mut rows = office(Office { sold, ..OFFICE });
    for (n, account) in holders.iter().enumerate() {
        rows.look(account, 9001, 110 + n as i64, 1000);
    }
    let misused = (START + 140 * 86_400) * time::SECOND;
    let planted = [("idn1-p9001".to_owned(), Some(misused)), ("idn1-p9002".to_owned(), None)];
    let params = Params { canaries: planted.to_vec(), ..Params::default() };
    trace(&rows.source(4096), &[], &params, &mut |_| {}).unwrap()
}

#[test]
fn a_canary_speaks_loudly_and_says_that_it_stands_alone() {
    let found = with_canary(&["c33"], 0.0);
    let source = found.sources.iter().find(|s| s.entity.id == "c33").unwrap();
    let canaries = source.canaries.unwrap();
    assert_eq!((canaries.touched, canaries.others), (1, 0));
    assert!((8.0..18.0).contains(&canaries.nats), "{canaries:?}");
    assert!(source.cannot_tell.en.contains("rests on 1 canary"), "{}", source.cannot_tell.en);
    assert!(source.cannot_tell.zh.contains("诱饵"));
    assert!(found.sources.iter().all(|s| s.entity.id == "c33" || s.probability < 0.5));
    assert!(found.limits.iter().any(|l| l.en.contains("Of 2 canaries") && l.en.contains(" 1 were misused")));
}

#[test]
fn a_canary_in_many_hands_names_nobody() {
    let found = with_canary(&["c33", "c34", "c11", "c12", "c71"], 0.0);
    for s in &found.sources {
        assert!(!s.listed && s.probability < 0.5, "{} {}", s.entity, s.probability);
    }
}

#[test]
fn a_canary_adds_to_what_other_harm_says() {
    let (with, without) = (with_canary(&["c00", "c11"], 0.25), traced(OFFICE, &Params::default()));
    let (with, without) = (clerk(&with), clerk(&without));
    let (more, less) = (with.log_bayes_factor, without.log_bayes_factor);
    assert!(more > less + 4.0, "{more} {less}");
    assert!(!with.cannot_tell.en.contains("canary"), "it stands without it");
    assert_eq!(with.canaries.unwrap().others, 1);
    assert_eq!(without.canaries, None);
}

#[test]
fn decoys_find_nobody_where_the_true_harm_finds_the_clerk() {
    let params = Params { decoys: 4, ..Params::default() };
    let found = traced(OFFICE, &params);
    assert!(clerk(&found).listed);
    assert_eq!(found.decoys.len(), 4, "one question with harm, four runs");
    for d in &found.decoys {
        assert_eq!((d.question, d.listed), (Question::VictimData, 0), "{d:?}");
        assert!(d.probability < 0.5 && d.harmed > 90, "{d:?}");
    }
    assert_eq!(found, traced(OFFICE, &params), "the run's number is its seed");
    let plain = traced(OFFICE, &Params::default());
    assert_eq!((plain.sources, plain.decoys), (found.sources, Vec::new()), "the self-test changes nothing");
}

#[test]
fn a_set_of_several_names_the_record_that_would_tell_its_members_apart() {
    let found = with_canary(&["c33", "c34"], 0.0);
    let both = ["c33", "c34"];
    let source = found.sources.iter().find(|s| both.contains(&s.entity.id.as_str())).unwrap();
    assert_eq!(source.credible_set.len(), 2);
    let told = &source.cannot_tell;
    for what in
        ["cannot be told apart: ", "c33", "c34", "the device of each look-up", "`work_order`", "`login`"]
    {
        assert!(told.en.contains(what), "{what}: {}", told.en);
    }
    assert!(told.zh.contains("无法区分"), "{}", told.zh);
}

#[test]
fn what_speaks_against_a_source_is_counted() {
    let found = traced(OFFICE, &Params::default());
    let of = |what: &str| clerk(&found).counter.iter().find(|c| c.what.en == what).unwrap();
    let untouched = of("Touched and not harmed");
    assert!(untouched.detail.en.contains("in its window it touched about"), "{}", untouched.detail.en);
    let others = of("Others held the same harmed things");
    assert_eq!(others.outcome, Outcome::NotCheckable, "{}", others.detail.en);
    assert!(
        others.detail.en.contains("supervisor") || others.detail.en.contains("partner"),
        "{}",
        others.detail.en
    );
}

/// The office with an account that takes the victims' calls some hours before most reports are filed; the reports
/// say that the loss was so many seconds before the filing, or nothing of it.
fn with_desk(loss: Option<i64>) -> Trace {
    let mut rows = office(OFFICE);
    let mut dice = Dice(9);
    let reports: Vec<usize> = (0..rows.0.len()).filter(|i| rows.0[*i].1 == Kind::FraudReport).collect();
    for i in reports {
        let day = (rows.0[i].0 / time::SECOND - START) / 86_400;
        let person = rows.0[i].2["victim"].as_str().unwrap()["idn1-p".len()..].parse().unwrap();
        if let Some(seconds) = loss {
            rows.0[i].2["reported_at"] = rows.0[i].2["ts"].take();
            rows.0[i].0 -= seconds * time::SECOND;
            rows.0[i].2["ts"] = time::format(rows.0[i].0).into();
        }
        if dice.unit() < 0.7 {
            rows.look("desk", person, day, 720 + dice.below(400));
        }
        rows.look("desk", dice.below(8000), day, 600);
    }
    trace(&rows.source(4096), &[], &Params::default(), &mut |_| {}).unwrap()
}

#[test]
fn who_takes_the_victims_calls_is_not_accused() {
    let found = with_desk(None);
    assert_eq!(
        with_desk(Some(1)).sources.iter().find(|s| s.entity.id == "desk").map(|s| s.listed),
        Some(false),
        "two clocks"
    );
    assert!(clerk(&found).listed, "{}", clerk(&found).probability);
    let desk = found.sources.iter().find(|s| s.entity.id == "desk").unwrap();
    assert!(!desk.listed && desk.probability < 0.3, "{}", desk.probability);
    let call = desk.counter.iter().find(|c| c.what.en == "It takes the victims' calls").unwrap();
    assert_eq!(call.outcome, Outcome::NotCheckable);
    assert!(desk.cannot_tell.en.contains("`reported_at`") && desk.cannot_tell.zh.contains("来电"));
    assert!(
        found.limits.iter().any(|l| l.en.contains("looked up victims within days") && l.en.contains("desk"))
    );
}

#[test]
fn where_the_loss_is_dated_calls_after_it_say_nothing() {
    let found = with_desk(Some(12 * 3600));
    assert!(clerk(&found).listed);
    assert!(found.sources.iter().all(|s| s.entity.id != "desk"), "it looked after the harm");
    assert!(found.limits.iter().all(|l| !l.en.contains("looked up victims within days")));
}
