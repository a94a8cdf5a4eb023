//! Leaks that belong to no ring, as cases.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod reference;

use reference::{Exhibits, Reference, token, without_rows};
use serde_json::{Value, json};
use suyuan_case::{LawSet, build};
use suyuan_model::outcome::*;
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, RowRef, fixture, time};

const LEAKER: &str = "W7-0112";
const FELLOW: &str = "W7-0113";

fn at(day: usize, hour: usize) -> String {
    format!("2023-{:02}-{:02}T{hour:02}:00:00Z", 3 + day / 28, 1 + day % 28)
}

fn ts(day: usize, hour: usize) -> i64 {
    time::parse(&at(day, hour)).unwrap()
}

fn row(kind: Kind, n: usize, ts: i64) -> RowRef {
    RowRef { kind, ts, source: "test".into(), seq: n as i64 + 1, file: 1, line: n as i64 + 1 }
}

/// Person `n` is looked up on day `n`; the first twenty are harmed thirty days later.
fn harm(n: usize, share: f64) -> Harm {
    Harm {
        thing: Entity::new(EntityKind::Person, token("idn1", n)),
        share,
        at: ts(n + 30, 9),
        touch: row(Kind::Access, n, ts(n, 10)),
    }
}

fn source(account: &str, question: Question, harms: Vec<Harm>) -> Source {
    let reference = without_rows(Exhibits::Without).trace.sources[0].clone();
    Source {
        question,
        entity: Entity::new(EntityKind::Account, account),
        finer: vec![Entity::new(EntityKind::Device, "ws-17")],
        probability: 0.993,
        listed: true,
        harmed: harms.len() as u64,
        expected: 2.4,
        exposure: 60,
        window: Some(Window { start: ts(0, 0), end: ts(40, 0) }),
        inside: Some(Inside { touched: 40, harmed: 20, expected: 1.1, rate: 0.375 }),
        credible_set: vec![(Entity::new(EntityKind::Account, account), 1.0)],
        evidence: Evidence::of(harms.iter().map(|h| h.touch.clone())).unwrap(),
        harms,
        ..reference
    }
}

/// Sixty persons looked up, every fourth with an order, and thirty by a colleague; reports of the first twenty, two of them of one case.
fn records() -> MemorySource {
    let accesses: Vec<Value> = (0..60)
        .map(|n| {
            let mut row = json!({"ts": at(n, 10), "account": LEAKER, "subject": token("idn1", n),
                "categories": "health"});
            if n % 4 == 3 {
                row["order"] = json!(format!("WO-{n}"));
            }
            row
        })
        .chain(
            (0..30).map(|n| json!({"ts": at(n, 15), "account": FELLOW, "subject": token("idn1", 500 + n)})),
        )
        .collect();
    let reports: Vec<Value> = (0..20)
        .map(|n| json!({"ts": at(n + 30, 9), "case": format!("K{:02}", n.max(1)), "victim": token("idn1", n), "loss_cny": "1000.00"}))
        .collect();
    let mut source = MemorySource::default();
    source.push(Kind::Access, fixture::batch(Kind::Access, &accesses).unwrap());
    source.push(Kind::FraudReport, fixture::batch(Kind::FraudReport, &reports).unwrap());
    source
}

fn cases(source: &MemorySource, sources: Vec<Source>) -> Cases {
    let trace = Trace { sources, ..Trace::default() };
    build(source, &trace, &[], &LawSet::embedded().unwrap()).unwrap()
}

fn victims() -> Vec<Harm> {
    (0..20).map(|n| harm(n, if n < 15 { 0.97 } else { 0.3 })).collect()
}

#[test]
fn a_listed_source_without_a_ring_is_a_case() {
    let got = cases(&records(), vec![source(LEAKER, Question::VictimData, victims())]);
    let case = &got.cases[0];
    assert_eq!((got.cases.len(), case.kind, got.other_sources.len()), (1, CaseKind::Leak, 0));
    // Fifteen came through it; K01 is two reports and one case.
    let t = &case.totals;
    assert_eq!((t.persons, t.fraud_cases, t.loss_cny, t.cards), (15, 14, 1_400_000, 0));
    let role = |e: &str| case.actors.iter().find(|m| m.entity.id == e).map(|m| m.role);
    assert_eq!((role(LEAKER), role("ws-17")), (Some(Role::Source), Some(Role::Device)));
    // Forty persons were looked up before the window closed, fifteen were harmed through it.
    assert_eq!(case.chain.iter().map(|l| l.quantity).collect::<Vec<_>>(), [Some(40), Some(15)]);
    assert!(case.chain[0].recorded && !case.chain[1].recorded);
    // Health records count against five hundred: sure are the harmed without an order, not more than all it looked at.
    let line = case.legal.iter().find(|a| a.item == "fashi-2017-10/a5.1.4").unwrap();
    assert_eq!((line.lower, line.upper, line.reached), (12, Some(40), Reached::No));
    assert!(got.remarks[0].en.starts_with("No ring was found"));
    insta::assert_snapshot!(
        std::iter::once(&case.title)
            .chain(&case.summary)
            .chain(&case.cannot_tell)
            .chain(&case.requests)
            .flat_map(|t| [t.zh.clone(), t.en.clone()])
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn an_unlisted_account_is_none_and_an_outlet_is() {
    let mut faint = source(LEAKER, Question::VictimData, victims());
    (faint.listed, faint.probability) = (false, 0.96);
    let got = cases(&records(), vec![faint.clone()]);
    assert_eq!((got.cases.len(), got.other_sources.len()), (0, 1));
    // Of an outlet nobody is accused, so its harm is told as a case although no list holds it.
    faint.entity = Entity::new(EntityKind::Outlet, "W7");
    let got = cases(&records(), vec![faint]);
    assert_eq!((got.cases.len(), got.other_sources.len()), (1, 0));
    assert!(got.cases[0].legal.is_empty(), "an outlet is held against no line for persons");
    assert!(got.cases[0].summary.iter().all(|t| !t.en.contains("false discoveries")), "it stands on no list");
}

#[test]
fn who_worked_under_a_lent_login_is_an_actor_of_its_own() {
    let listed = source(LEAKER, Question::VictimData, victims());
    let device = Entity::new(EntityKind::Device, "ws-17");
    let hand = Operator {
        account: listed.entity.clone(),
        owner: None,
        operator: vec![device, Entity::new(EntityKind::Account, FELLOW)],
        probability: 0.8,
        reasons: vec![],
        evidence: listed.evidence.clone(),
    };
    let of = |probability| {
        let operators = vec![Operator { probability, ..hand.clone() }];
        let trace = Trace { sources: vec![listed.clone()], operators, ..Trace::default() };
        build(&records(), &trace, &[], &LawSet::embedded().unwrap()).unwrap().cases.remove(0)
    };
    let roles = |c: &Case| -> Vec<(String, Role)> {
        c.actors.iter().map(|m| (m.entity.id.clone(), m.role)).collect()
    };
    let case = of(0.8);
    let (leaker, ws) = (LEAKER.to_owned(), "ws-17".to_owned());
    assert_eq!(
        roles(&case),
        [
            (leaker.clone(), Role::Source),
            (leaker.clone(), Role::CredentialOwner),
            (ws.clone(), Role::Operator)
        ]
    );
    assert_eq!(case.actors[2].same_as[0].0.id, FELLOW);
    assert!(case.legal.iter().all(|a| a.entity.id == LEAKER), "a colleague's own look-ups are no part of it");
    // Below one half the device is told, and nobody else is suspected.
    let faint = of(0.3);
    assert_eq!(roles(&faint), [(leaker, Role::Source), (ws, Role::Device)]);
    assert_eq!(faint.operators.len(), 1);
}

#[test]
fn who_worked_beside_stands_in_the_same_case() {
    let first = source(LEAKER, Question::VictimData, victims());
    let mut second = source(FELLOW, Question::VictimData, victims());
    let apart = cases(&records(), vec![first.clone(), second.clone()]);
    assert_eq!(apart.cases.len(), 2);
    second.partners = vec![Partner {
        entity: first.entity.clone(),
        inside: Part { hits: 61, of: 70 },
        outside: Part { hits: 3, of: 412 },
        log_chance: -212.0,
        counter: vec![],
        evidence: first.evidence.clone(),
    }];
    let together = cases(&records(), vec![first, second]);
    assert_eq!(together.cases.len(), 1);
    assert_eq!(together.cases[0].totals.persons, 15, "one person counts once");
    assert!(together.cases[0].title.en.contains(LEAKER) && together.cases[0].title.en.contains(FELLOW));
}

#[test]
fn cards_in_the_names_of_those_impersonated_are_the_cases_cards() {
    let mut lake = records();
    let opening = |n: usize, day: usize| {
        json!({"ts": at(day, 9), "card": reference::card(n), "subject": token("idn1", n), "account": "other",
            "msisdn": token("num1", n)})
    };
    // Person 1 opened a card of their own before; person 30 was never harmed.
    let mut own = opening(1, 3);
    own["card"] = json!(reference::card(71));
    let rows = [own, opening(0, 30), opening(1, 31), opening(2, 32), opening(30, 60)];
    lake.push(Kind::Opening, fixture::batch(Kind::Opening, &rows).unwrap());
    let reports = [json!({"ts": at(40, 1), "case": "C1", "card": reference::card(2), "loss_cny": "20.00"})];
    lake.push(Kind::FraudReport, fixture::batch(Kind::FraudReport, &reports).unwrap());
    let harms = (0..3).map(|n| harm(n, 0.9)).collect();
    let got = cases(&lake, vec![source(LEAKER, Question::HolderIdentity, harms)]);
    let case = &got.cases[0];
    let cards: Vec<&str> = case.cards.iter().map(|c| c.card.as_str()).collect();
    assert_eq!(cards, [reference::card(0), reference::card(1), reference::card(2)]);
    assert_eq!((case.totals.cards, case.totals.fraud_cards, case.totals.fraud_cases), (3, 1, 1));
    assert_eq!(case.totals.loss_cny, 2_000);
}

#[test]
fn two_questions_about_one_account_tell_its_look_ups_once() {
    let both = [Question::VictimData, Question::HolderIdentity].map(|q| source(LEAKER, q, victims()));
    let got = cases(&records(), both.to_vec());
    let case = &got.cases[0];
    assert_eq!((got.cases.len(), case.chain.len(), case.totals.persons), (1, 3, 15));
}

#[test]
fn a_source_that_a_ring_names_stays_with_it() {
    let r: Reference = without_rows(Exhibits::With);
    let mut trace = r.trace.clone();
    let seller = Entity::new(EntityKind::Account, "SH-LW-2208");
    let listed = Source { entity: seller, ..source(LEAKER, Question::HolderIdentity, victims()) };
    trace.sources.push(listed);
    let got = build(&r.source, &trace, &[], &LawSet::embedded().unwrap()).unwrap();
    assert_eq!(got.cases.len(), 1);
    assert_eq!(got.cases[0].kind, CaseKind::Ring);
    assert_eq!(got.cases[0].sources.len(), 2);
}

#[test]
fn nobody_is_called_guilty_and_the_bytes_are_the_same() {
    let make = || cases(&records(), vec![source(LEAKER, Question::VictimData, victims())]);
    let text = serde_json::to_string(&make()).unwrap();
    assert_eq!(text, serde_json::to_string(&make()).unwrap());
    for word in ["guilt", "culprit", "offender", "criminal", "有罪", "罪犯", "作案人", "嫌疑人", "构成犯罪"]
    {
        assert!(!text.to_lowercase().replace("criminal law", "").contains(word), "{word}");
    }
}
