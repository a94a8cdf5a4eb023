//! The reference case's dense groups and its ways from data to fraud.

use suyuan_model::Kind;
use suyuan_model::outcome::*;

use super::{
    ACCOUNT, FRAUD_CASES, OUTLET, at, card, device, fraud_card, fraud_case, opened, person, reported, token,
};

/// The ring's persons on its two telephones, and a family that the records explain.
pub fn farms() -> Vec<Farm> {
    let item = |kind, id: &str, tie, members, people| FarmItem {
        entity: Entity::new(kind, id),
        tie,
        members,
        people,
    };
    let member = |n: usize| FarmMember {
        person: Entity::new(EntityKind::Person, token("idn1", person(n))),
        cards: (0..5).map(|k| card(n + k * 1488)).take(if n.is_multiple_of(2) { 1 } else { 5 }).collect(),
        probability: 0.97,
        occasions: 2,
        expected: 0.01,
        evidence: Evidence::of([at(Kind::Opening, n, opened(n), 1)]).expect("a row"),
    };
    let counter = |outcome, en: &str, zh: &str| Counter {
        what: Text::new("a group contract or a permit for sales on the road", "集团合同或外出营销许可"),
        outcome,
        detail: Text::new(en, zh),
    };
    let ring = Farm {
        id: "farm-5d0c9a1b2e3f4a60".into(),
        ties: vec![Tie::Device, Tie::Capture],
        items: vec![
            item(EntityKind::Device, "ph-7e21c4", Tie::Device, 893, 895),
            item(EntityKind::Device, "ph-b90d15", Tie::Device, 595, 595),
            item(EntityKind::Collector, "JSLW-017", Tie::Capture, 640, 702),
        ],
        members: (0..40).map(member).collect(),
        window: Window { start: opened(0), end: opened(3511) },
        others: 64,
        rings: vec!["ring-3f9a41c07be2".into()],
        counter: vec![counter(
            Outcome::Excluded,
            "0 of 40 members have an opening under such an order",
            "40名成员中0名有依此类工单的开卡",
        )],
        explained: false,
        cannot_tell: Text::new("who brought these people together", "由谁组织"),
    };
    let family = Farm {
        id: "farm-00aa11bb22cc33dd".into(),
        ties: vec![Tie::Home],
        items: vec![item(EntityKind::Home, "adr1-q7w2e3r4t5y6u7i2o3p4a5s6d7", Tie::Home, 3, 4)],
        members: (3000..3003).map(member).collect(),
        others: 1,
        rings: vec![],
        counter: vec![counter(
            Outcome::Supported,
            "3 of 3 members have an opening under such an order",
            "3名成员中3名有依此类工单的开卡",
        )],
        explained: true,
        ..ring.clone()
    };
    vec![ring, family]
}

/// Two ways of each card used in fraud, the better first.
pub fn paths() -> Vec<ChainPath> {
    let step =
        |stage, en: &str, zh: &str, through: &[(EntityKind, &str)], row: suyuan_model::RowRef| ChainStep {
            stage,
            what: Text::new(en, zh),
            through: through.iter().map(|(k, id)| Entity::new(*k, *id)).collect(),
            at: row.ts,
            row,
        };
    let mut seen = std::collections::BTreeSet::new();
    (0..FRAUD_CASES)
        .filter(|f| seen.insert(fraud_card(*f)))
        .flat_map(|f| {
            let (n, case) = (fraud_card(f), fraud_case(f));
            let captured = step(
                ChainStage::Acquisition,
                "the person's identity captured",
                "采集其身份信息",
                &[(EntityKind::Collector, "JSLW-017")],
                at(Kind::Capture, person(n), opened(n) - 7_200_000_000, 2),
            );
            let opening = step(
                ChainStage::Circulation,
                "card opened in the person's name",
                "以其名义开卡",
                &[
                    (EntityKind::Account, ACCOUNT),
                    (EntityKind::Device, device(n)),
                    (EntityKind::Outlet, OUTLET),
                ],
                at(Kind::Opening, n, opened(n), 1),
            );
            let report = step(
                ChainStage::Use,
                "reported as used in fraud",
                "被报告涉诈",
                &[(EntityKind::FraudCase, &case)],
                at(Kind::FraudReport, f, reported(f), 4),
            );
            let way = |probability, steps: Vec<ChainStep>| ChainPath {
                card: card(n),
                case: Some(case.clone()),
                probability,
                steps,
                missing: vec![Text::new(
                    "no use of the card before the report is recorded (`usage`)",
                    "没有报案前的用卡记录（usage）",
                )],
            };
            [way(0.91, vec![captured, opening.clone(), report.clone()]), way(0.09, vec![opening, report])]
        })
        .collect()
}
