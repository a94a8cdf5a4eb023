//! A made-up case modelled on the typical case QT-2020, as rows and as a trace: 3,512 cards, 55 of
//! them in 68 fraud cases, an account lent from 诸暨 to 江苏, identities captured under a pretext and
//! 412 bought. Shared by the tests of the case and of the report.
#![allow(dead_code, reason = "each test binary uses a part")]

mod tied;

use serde_json::{Value, json};
use suyuan_model::outcome::*;
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, RowRef, fixture, time};

pub const CARDS: usize = 3512;
pub const PERSONS: usize = 1488;
pub const BOUGHT: usize = 412;
pub const FRAUD_CARDS: usize = 55;
pub const FRAUD_CASES: usize = 68;
/// 2,841,230 yuan in fen.
pub const LOSS: i64 = 284_123_000;

const ACCOUNT: &str = "ZJ330681-0417";
const SELLER: &str = "SH-LW-2208";
const OUTLET: &str = "ZJ330681-D12";
const FIRST: &str = "2019-12-06T09:12:00+08:00";

/// Whether the investigation's exhibits are among the records.
#[derive(Clone, Copy, PartialEq)]
pub enum Exhibits {
    With,
    Without,
}

pub struct Reference {
    pub source: MemorySource,
    pub trace: Trace,
    pub findings: Vec<Finding>,
    pub run: Run,
}

/// 26 letters that look like a token, from a number.
pub fn token(prefix: &str, n: usize) -> String {
    let mut x = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    let mut text = format!("{prefix}-");
    for _ in 0..26 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        text.push(char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(x >> 33) as usize % 32]));
    }
    text
}

pub fn card(n: usize) -> String {
    format!("898600191933{:08}", 10_417_000 + n * 7)
}

fn person(n: usize) -> usize {
    n % PERSONS
}

/// About ten a day, on 351 days.
fn opened(n: usize) -> i64 {
    let start = time::parse(FIRST).expect("a time");
    start
        + (n / 10) as i64 * 86_400_000_000
        + (n % 10) as i64 * 2_520_000_000
        + (n as i64 * 7919 % 600) * 1_000_000
}

/// Which operator: 0 (phone of JSLW-017), 1 (phone of JSLW-023).
fn operator(n: usize) -> usize {
    usize::from(person(n) % 5 >= 3)
}

fn device(n: usize) -> &'static str {
    ["ph-7e21c4", "ph-b90d15"][operator(n)]
}

fn bought(n: usize) -> bool {
    person(n) >= PERSONS - BOUGHT
}

pub fn at(kind: Kind, n: usize, ts: i64, file: i64) -> RowRef {
    RowRef { kind, ts, source: "test".into(), seq: n as i64 + 1, file, line: n as i64 + 2 }
}

fn openings() -> Vec<Value> {
    (0..CARDS)
        .map(|n| {
            json!({"ts": time::format(opened(n)), "seq": n + 1, "line": n + 2, "file_id": 1, "card": card(n),
                "msisdn": token("tel1", n), "subject": token("idn1", person(n)), "subject_valid": true,
                "subject_region6": "341221", "account": ACCOUNT, "device": device(n), "outlet": OUTLET,
                "region6": "330681", "cell_region6": "320583", "gps_source": "manual",
                "image_hash": format!("im{}", person(n)), "captured_at": time::format(opened(n) - 7_200_000_000),
                "match_score": 0.91, "employer": "苏南诚工劳务有限公司"})
        })
        .collect()
}

fn captures() -> Vec<Value> {
    (0..PERSONS - BOUGHT)
        .map(|p| {
            json!({"ts": time::format(opened(p) - 7_200_000_000), "seq": p + 1, "line": p + 2, "file_id": 2,
                "subject": token("idn1", p), "kind": "face", "device": device(p),
                "collector": (["JSLW-017", "JSLW-023"][operator(p)]), "pretext": "办理健康码", "region6": "320583"})
        })
        .collect()
}

fn accesses() -> Vec<Value> {
    (0..BOUGHT)
        .map(|b| {
            let p = PERSONS - BOUGHT + b;
            json!({"ts": time::format(opened(0) - 86_400_000_000 + b as i64 * 1_000_000), "seq": b + 1, "line": b + 2,
                "file_id": 3, "account": SELLER, "action": "export", "subject": token("idn1", p),
                "categories": "id_number;id_photo;phone", "recipient": "p3"})
        })
        .collect()
}

/// The card of each fraud case: 55 cards, 13 of them in two cases.
fn fraud_card(n: usize) -> usize {
    (n % FRAUD_CARDS) * 63 + 11
}

fn fraud_reports() -> Vec<Value> {
    (0..FRAUD_CASES)
        .map(|n| {
            let loss = if n + 1 == FRAUD_CASES {
                LOSS - (0..FRAUD_CASES - 1).map(loss).sum::<i64>()
            } else {
                loss(n)
            };
            json!({"ts": time::format(reported(n)), "seq": n + 1, "line": n + 2, "file_id": 4,
                "case": fraud_case(n), "card": card(fraud_card(n)), "victim": token("idn1", 900_000 + n),
                "loss_cny": suyuan_model::money::format_yuan(loss), "reported_at": time::format(reported(n))})
        })
        .collect()
}

fn fraud_case(n: usize) -> String {
    format!("A33011520{:04}{:03}", 2001 + n / 8, n)
}

fn loss(n: usize) -> i64 {
    1_200_000 + (n as i64 * 7_919_113) % 5_900_000
}

fn reported(n: usize) -> i64 {
    opened(fraud_card(n)) + (20 + n as i64 % 30) * 86_400_000_000
}

fn exhibits() -> [(Kind, Vec<Value>); 3] {
    let ts = "2020-12-02T10:00:00+08:00";
    let party = |seq: i64, p: &str, note: &str| json!({"ts": ts, "seq": seq, "line": seq + 1, "file_id": 5, "party": p, "kind": "person", "note": note});
    let deal = |seq: i64, from: &str, to: &str, what: &str, q: i64, price: Option<&str>| {
        json!({"ts": ts, "seq": seq, "line": seq + 1, "file_id": 6, "from": from, "to": to, "what": what, "quantity": q,
            "unit_price_cny": price, "exhibit": format!("E-{seq}")})
    };
    [
        (
            Kind::Party,
            vec![
                party(1, "p1", ""),
                party(2, "p2", "account=ZJ330681-0417"),
                party(3, "p3", ""),
                party(4, "p4", "collector=JSLW-017"),
                party(5, "p5", "collector=JSLW-023"),
                party(6, "p6", "account=SH-LW-2208"),
            ],
        ),
        (
            Kind::Dealing,
            vec![
                deal(1, "p2", "p3", "goods", 3500, Some("40")),
                deal(2, "p6", "p3", "data", 400, None),
                deal(3, "p3", "p1", "goods", 3500, None),
            ],
        ),
        (
            Kind::Sighting,
            (0..2810)
                .map(|n| {
                    json!({"ts": ts, "seq": n + 1, "line": n + 2, "file_id": 7, "card": card(n), "where": "seized_device",
                        "party": "p1", "lot": "E-9"})
                })
                .collect(),
        ),
    ]
}

fn outcomes() -> [(Kind, Vec<Value>); 2] {
    let ts = |n: usize| time::format(opened(n) + 40 * 86_400_000_000);
    [
        (
            Kind::Reverification,
            (0..180)
                .map(|i| {
                    let n = i * 19;
                    json!({"ts": ts(n), "seq": i + 1, "line": i + 2, "file_id": 8, "card": card(n),
                        "result": if i % 30 == 7 { "passed" } else { "failed" }})
                })
                .collect(),
        ),
        (
            Kind::Complaint,
            (0..41)
                .map(|i| {
                    let n = i * 83 + 5;
                    json!({"ts": ts(n), "seq": i + 1, "line": i + 2, "file_id": 9, "card": card(n),
                        "subject": token("idn1", person(n)), "kind": "not_mine"})
                })
                .collect(),
        ),
    ]
}

fn rows(kind: Kind, n: std::ops::Range<usize>, file: i64) -> Evidence {
    Evidence::of(n.map(|i| at(kind, i, opened(i % CARDS), file))).expect("a row")
}

fn why(en: &str, zh: &str, value: &str, nats: f64) -> Contribution {
    Contribution { what: Text::new(en, zh), value: value.into(), threshold: None, nats }
}

fn member(kind: EntityKind, id: &str, role: Role, p: f64, evidence: Evidence) -> Member {
    Member {
        entity: Entity::new(kind, id),
        role,
        probability: p,
        exhibits_only: false,
        same_as: vec![],
        reasons: vec![],
        evidence,
    }
}

fn members(exhibits: Exhibits) -> Vec<Member> {
    let with = exhibits == Exhibits::With;
    let party = |id: &str| {
        let why = Text::new("the party's note names it", "主体备注中载明");
        if with { vec![(Entity::new(EntityKind::Party, id), why)] } else { vec![] }
    };
    let mut list = Vec::new();
    for (i, (collector, phone, p)) in
        [("JSLW-017", "ph-7e21c4", "p4"), ("JSLW-023", "ph-b90d15", "p5")].into_iter().enumerate()
    {
        let mut m = member(
            EntityKind::Collector,
            collector,
            Role::Harvester,
            0.97 - i as f64 * 0.01,
            rows(Kind::Capture, i * 300..i * 300 + 300, 2),
        );
        m.reasons = vec![
            why("faces captured under a pretext", "以办理健康码为由采集人脸", "538", 6.2),
            why("of them used for a card within 3 days", "其中三日内被用于开卡", "531", 5.1),
        ];
        m.same_as = party(p);
        let same = Text::new("captures and openings on one device", "采集与开卡在同一设备");
        m.same_as.push((Entity::new(EntityKind::Device, phone), same));
        list.push(m);
    }
    let mut seller = member(EntityKind::Account, SELLER, Role::Seller, 0.93, rows(Kind::Access, 0..400, 3));
    seller.reasons = vec![why(
        "exported identities opened under the lent login later",
        "导出的身份其后在被借用工号下开卡",
        "412 / 412",
        8.4,
    )];
    seller.same_as = party("p6");
    list.push(seller);
    let mut owner =
        member(EntityKind::Account, ACCOUNT, Role::CredentialOwner, 0.99, rows(Kind::Login, 0..400, 10));
    owner.reasons = vec![
        why("sessions in two provinces at once", "两省同时在线会话", "287", 9.3),
        why("openings on phones on no asset list", "在资产清单外手机上开卡", "3,512", 11.0),
    ];
    owner.same_as = party("p2");
    list.push(owner);
    let mut stock =
        member(EntityKind::Account, ACCOUNT, Role::StockAgent, 0.98, rows(Kind::StockMove, 0..36, 11));
    stock.reasons = vec![why(
        "cards allocated to the outlet and activated in another province",
        "配发至网点却在外省激活的卡",
        "3,512",
        7.7,
    )];
    list.push(stock);
    for (i, phone) in ["ph-7e21c4", "ph-b90d15"].into_iter().enumerate() {
        let mut m = member(
            EntityKind::Device,
            phone,
            Role::Operator,
            0.98,
            rows(Kind::Opening, i * 200..i * 200 + 400, 1),
        );
        m.reasons = vec![why(
            "openings with declared place changed to 浙江 while the cell is in 江苏",
            "申报位置改为浙江而基站在江苏的开卡",
            "3,498",
            10.2,
        )];
        list.push(m);
    }
    list.push(member(EntityKind::Outlet, OUTLET, Role::Outlet, 0.96, rows(Kind::Opening, 0..400, 1)));
    if with {
        for (p, role, n) in [("p3", Role::Opener, 0), ("p1", Role::Organiser, 2)] {
            let mut m = member(EntityKind::Party, p, role, 0.9, rows(Kind::Dealing, n..n + 1, 6));
            m.exhibits_only = true;
            m.reasons = vec![why("handovers in exhibits", "证据材料中的交付", "2", 0.0)];
            list.push(m);
        }
    }
    list
}

fn link(
    from: (EntityKind, &str),
    to: (EntityKind, &str),
    stage: ChainStage,
    what: (&str, &str),
    quantity: Option<u64>,
    probability: f64,
    evidence: Evidence,
) -> Link {
    Link {
        from: Entity::new(from.0, from.1),
        to: Entity::new(to.0, to.1),
        stage,
        what: Text::new(what.0, what.1),
        quantity,
        amount_cny: None,
        recorded: probability >= 1.0,
        probability,
        window: Some(Window { start: opened(0), end: opened(CARDS - 1) }),
        evidence,
    }
}

fn links(exhibits: Exhibits) -> Vec<Link> {
    use ChainStage::{Acquisition, Circulation, Use};
    use EntityKind::{Account, Collector, Device, FraudCase, Outlet, Party, Person};
    let mut list = vec![
        link(
            (Person, "*"),
            (Collector, "JSLW-017"),
            Acquisition,
            ("faces and id cards", "人脸和身份证"),
            Some(645),
            1.0,
            rows(Kind::Capture, 0..400, 2),
        ),
        link(
            (Person, "*"),
            (Collector, "JSLW-023"),
            Acquisition,
            ("faces and id cards", "人脸和身份证"),
            Some(431),
            1.0,
            rows(Kind::Capture, 500..700, 2),
        ),
        link(
            (Person, "*"),
            (Account, SELLER),
            Acquisition,
            ("identities exported", "导出身份信息"),
            Some(412),
            1.0,
            rows(Kind::Access, 0..400, 3),
        ),
        link(
            (Outlet, OUTLET),
            (Account, ACCOUNT),
            Circulation,
            ("blank cards", "白卡"),
            Some(3600),
            1.0,
            rows(Kind::StockMove, 0..36, 11),
        ),
        link(
            (Account, ACCOUNT),
            (Device, "ph-7e21c4"),
            Circulation,
            ("login and password", "工号和口令"),
            None,
            0.98,
            rows(Kind::Login, 0..300, 10),
        ),
        link(
            (Account, ACCOUNT),
            (Device, "ph-b90d15"),
            Circulation,
            ("login and password", "工号和口令"),
            None,
            0.97,
            rows(Kind::Login, 300..400, 10),
        ),
        link(
            (Device, "ph-7e21c4"),
            (EntityKind::Card, "*"),
            Circulation,
            ("cards opened", "开卡"),
            Some(2104),
            1.0,
            rows(Kind::Opening, 0..400, 1),
        ),
        link(
            (Device, "ph-b90d15"),
            (EntityKind::Card, "*"),
            Circulation,
            ("cards opened", "开卡"),
            Some(1408),
            1.0,
            rows(Kind::Opening, 400..800, 1),
        ),
        link(
            (EntityKind::Card, "*"),
            (FraudCase, "*"),
            Use,
            ("cards used in fraud", "用于诈骗的卡"),
            Some(55),
            1.0,
            rows(Kind::FraudReport, 0..68, 4),
        ),
    ];
    if exhibits == Exhibits::With {
        let mut goods = link(
            (Account, ACCOUNT),
            (Party, "p3"),
            Circulation,
            ("blank cards", "白卡"),
            Some(3500),
            1.0,
            rows(Kind::Dealing, 0..1, 6),
        );
        goods.amount_cny = Some("140000.00".into());
        list.push(goods);
        list.push(link(
            (Account, SELLER),
            (Party, "p3"),
            Circulation,
            ("identities", "公民个人信息"),
            Some(400),
            1.0,
            rows(Kind::Dealing, 1..2, 6),
        ));
        list.push(link(
            (Party, "p3"),
            (Party, "p1"),
            Circulation,
            ("finished cards", "已实名的卡"),
            Some(3500),
            1.0,
            rows(Kind::Dealing, 2..3, 6),
        ));
        list.push(link(
            (Party, "p3"),
            (Collector, "JSLW-017"),
            Circulation,
            ("blank cards", "白卡"),
            None,
            0.71,
            rows(Kind::Opening, 0..40, 1),
        ));
        list.push(link(
            (Party, "p3"),
            (Collector, "JSLW-023"),
            Circulation,
            ("blank cards", "白卡"),
            None,
            0.71,
            rows(Kind::Opening, 40..80, 1),
        ));
    }
    list
}

fn ring(exhibits: Exhibits) -> Ring {
    let marks =
        ["location:override", "device:unlisted", "login:overlap", "identity:old_capture", "stock:away"];
    let reports = |n: usize| -> Vec<usize> { (0..FRAUD_CASES).filter(|f| fraud_card(*f) == n).collect() };
    let cards = (0..CARDS)
        .map(|n| {
            let hit = reports(n);
            let mut mine: Vec<String> = marks.iter().take(2 + n * 31 % 4).map(|m| (*m).to_owned()).collect();
            if bought(n) {
                mine.retain(|m| !m.starts_with("identity"));
            }
            if !hit.is_empty() {
                mine.push("outcome:fraud".into());
            }
            RingCard {
                card: card(n),
                subject: Some(token("idn1", person(n))),
                marks: mine,
                probability: if n % 97 == 5 { 0.83 } else { 0.98 },
                fraud_cases: hit.iter().map(|f| fraud_case(*f)).collect(),
                opening: at(Kind::Opening, n, opened(n), 1),
                reports: hit.iter().map(|f| at(Kind::FraudReport, *f, reported(*f), 4)).collect(),
            }
        })
        .collect();
    Ring {
        id: "ring-3f9a41c07be2".into(),
        probability: 0.9996,
        members: members(exhibits),
        cards,
        persons: PERSONS as u64,
        links: links(exhibits),
        findings: (0..4).map(|n| format!("f-{n:04}")).collect(),
        cannot_tell: vec![Text::new(
            "whether the holder of account ZJ330681-0417 knew of every opening: the same login was used at the counter on the same days; CCTV and network logs would tell.",
            "工号ZJ330681-0417持有人是否知悉每一次开卡：同一工号当日也在柜台正常使用；监控录像和网络日志可以查明。",
        )],
    }
}

fn source() -> Source {
    Source {
        question: Question::CardOpening,
        entity: Entity::new(EntityKind::Account, ACCOUNT),
        finer: vec![
            Entity::new(EntityKind::Device, "ph-7e21c4"),
            Entity::new(EntityKind::Device, "ph-b90d15"),
        ],
        probability: 0.9996,
        log_bayes_factor: 41.7,
        listed: true,
        harmed: 55,
        expected: 1.9,
        exposure: 5874,
        lift: 28.9,
        window: Some(Window { start: opened(0), end: opened(CARDS - 1) }),
        limits: None,
        inside: None,
        harms: vec![],
        credible_set: vec![
            (Entity::new(EntityKind::Account, ACCOUNT), 0.998),
            (Entity::new(EntityKind::Outlet, OUTLET), 0.002),
        ],
        cannot_tell: Text::new(
            "the account from its outlet: the outlet has one other account with 212 openings and no fraud card.",
            "该工号与所属网点：网点另有一个工号，开卡212张，无涉诈卡。",
        ),
        counter: vec![Counter {
            what: Text::new("a large outlet has more fraud cards by chance", "网点量大，偶然出现更多涉诈卡"),
            outcome: Outcome::Excluded,
            detail: Text::new(
                "2,362 openings at its own counter: 0 fraud cards",
                "本柜台开卡2,362张：涉诈0张",
            ),
        }],
        contributions: vec![
            why("fraud cards beyond the base rate", "超出基准率的涉诈卡", "55 / 1.9", 38.2),
            why("short time from opening to fraud", "开卡至涉案时间短", "31 d", 3.5),
        ],
        partners: Vec::new(),
        canaries: None,
        evidence: rows(Kind::FraudReport, 0..68, 4),
    }
}

fn findings() -> Vec<Finding> {
    let one = |n: usize,
               rule: &str,
               scheme: &str,
               en: &str,
               zh: &str,
               family: Family,
               entity: (EntityKind, &str),
               evidence: Evidence| Finding {
        id: format!("f-{n:04}"),
        rule: rule.into(),
        rule_hash: format!("{:016x}", 0x51f0_77aa_u64 * (n as u64 + 3)),
        scheme: scheme.into(),
        title: Text::new(en, zh),
        family,
        confidence: Confidence::Engineering,
        level: if n == 0 { Level::Critical } else { Level::High },
        entity: Entity::new(entity.0, entity.1),
        involved: vec![Entity::new(EntityKind::Outlet, OUTLET)],
        first: opened(0),
        fired: opened(0),
        last: opened(CARDS - 1),
        evidence,
        trigger: None,
        contributions: vec![Contribution {
            what: Text::new("overrides without an order", "无工单的位置变更"),
            value: "3,498".into(),
            threshold: Some("1".into()),
            nats: 4.1,
        }],
        counter: vec![
            Counter {
                what: Text::new("a sales van with a permit", "持许可的流动销售车"),
                outcome: Outcome::Excluded,
                detail: Text::new(
                    "no permit order for this account in the window",
                    "该时段内此工号无许可工单",
                ),
            },
            Counter {
                what: Text::new("VPN egress in another province", "VPN出口在外省"),
                outcome: Outcome::NotCheckable,
                detail: Text::new(
                    "no list of the carrier's VPN egress addresses",
                    "没有运营商VPN出口地址清单",
                ),
            },
        ],
        against: 0.0,
        base_rate: BaseRate { hits: 3, of: 1840, what: Text::new("accounts", "工号") },
        clears: Text::new("a work order or permit that covers the place", "覆盖该地点的工单或许可"),
        cannot_tell: Text::new("who held the phone", "手机由谁持有"),
    };
    vec![
        one(
            0,
            "openings/location-override-without-order",
            "S03",
            "Declared place of openings changed without an order",
            "无工单变更开卡位置",
            Family::Location,
            (EntityKind::Account, ACCOUNT),
            rows(Kind::AccountChange, 0..400, 12),
        ),
        one(
            1,
            "login/sessions-in-two-provinces",
            "S01",
            "One login in two provinces at once",
            "同一工号两省同时在线",
            Family::Login,
            (EntityKind::Account, ACCOUNT),
            rows(Kind::Login, 0..287, 10),
        ),
        one(
            2,
            "identity/captured-long-before-opening",
            "S10",
            "Faces captured long before the opening",
            "人像采集远早于开卡",
            Family::Identity,
            (EntityKind::Device, "ph-7e21c4"),
            rows(Kind::Capture, 0..400, 2),
        ),
        one(
            3,
            "access/bulk-export",
            "A02",
            "Export of many identities",
            "批量导出身份信息",
            Family::Access,
            (EntityKind::Account, SELLER),
            rows(Kind::Access, 0..400, 3),
        ),
        one(
            4,
            "openings/manual-entry",
            "S11",
            "Identity typed in by hand",
            "手工录入证件",
            Family::Opening,
            (EntityKind::Account, "HZ330106-0008"),
            rows(Kind::Opening, 10..14, 1),
        ),
    ]
}

fn run() -> Run {
    let input = |file: i64, name: &str, rows: u64| Input {
        file,
        name: name.into(),
        sha256: format!("{:064x}", 0x9d5c_11ab_77e0_u64 * file as u64),
        bytes: rows * 214,
        kinds: vec![name.split('.').next().unwrap_or_default().into()],
        read: rows,
        taken: rows,
        known: 0,
        rejected: 0,
        warnings: vec![],
    };
    Run {
        format: FORMAT.into(),
        version: "0.1.0".into(),
        keys: "k-5b1e".into(),
        snapshot: 12,
        seeds: vec![],
        inputs: vec![
            input(1, "opening.csv", 214_512),
            input(2, "capture.csv", 188_102),
            input(3, "access.csv.gz", 902_113),
            input(4, "fraud_report.csv", 311),
            input(5, "party.csv", 6),
            input(6, "dealing.csv", 3),
            input(7, "sighting.csv", 2810),
            input(8, "reverification.csv", 4120),
            input(9, "complaint.csv", 1877),
            input(10, "login.ndjson", 660_411),
            input(11, "stock_move.csv", 5210),
            input(12, "account_change.csv", 9120),
        ],
        rows: vec![("opening".into(), 214_512), ("login".into(), 660_411), ("fraud_report".into(), 311)],
        rules: vec![("openings/location-override-without-order".into(), "00000000f5d166fe".into())],
        models: vec![],
        laws: vec![("fashi-2017-10".into(), "a3b1c2d4e5f60718".into())],
        counts: vec![("findings".into(), 5), ("rings".into(), 1)],
    }
}

/// The whole: rows, trace, findings, run.
pub fn reference(exhibits: Exhibits) -> Reference {
    let mut whole = without_rows(exhibits);
    let mut push = |kind: Kind, rows: Vec<Value>| {
        whole.source.push(kind, fixture::batch(kind, &rows).expect("the fixture's rows fit their kind"));
    };
    push(Kind::Opening, openings());
    push(Kind::Capture, captures());
    push(Kind::Access, accesses());
    push(Kind::FraudReport, fraud_reports());
    outcomes().into_iter().for_each(|(k, r)| push(k, r));
    if exhibits == Exhibits::With {
        self::exhibits().into_iter().for_each(|(k, r)| push(k, r));
    }
    whole
}

/// Trace, findings and run, and a lake without a row.
pub fn without_rows(exhibits: Exhibits) -> Reference {
    let leaker = Source {
        question: Question::VictimData,
        entity: Entity::new(EntityKind::Account, "HZ-CRM-0092"),
        finer: vec![],
        probability: 0.62,
        listed: false,
        harmed: 9,
        expected: 2.1,
        exposure: 1310,
        lift: 4.3,
        limits: Some(WindowLimits {
            start: EndLimits { earliest: None, latest: Some(opened(1)) },
            end: EndLimits { earliest: Some(opened(1)), latest: Some(opened(CARDS - 1)) },
        }),
        credible_set: vec![],
        counter: vec![],
        partners: vec![Partner {
            entity: Entity::new(EntityKind::Account, "HZ-CRM-0107"),
            inside: Part { hits: 61, of: 70 },
            outside: Part { hits: 3, of: 412 },
            log_chance: -212.0,
            counter: vec![Counter {
                what: Text::new("It was told to follow that work just then", "当时受命跟进该项工作"),
                outcome: Outcome::NotCheckable,
                detail: Text::new(
                    "the same records, which proves no leak; which of the two led is not known",
                    "查询相同记录不等于有责；两者谁主导不明",
                ),
            }],
            evidence: rows(Kind::Access, 600..661, 3),
        }],
        evidence: rows(Kind::Access, 500..509, 3),
        ..source()
    };
    let trace = Trace {
        format: FORMAT.into(),
        sources: vec![source(), leaker],
        operators: vec![Operator {
            account: Entity::new(EntityKind::Account, ACCOUNT),
            owner: Some(Entity::new(EntityKind::Person, token("nam1", 77))),
            operator: vec![
                Entity::new(EntityKind::Device, "ph-7e21c4"),
                Entity::new(EntityKind::Collector, "JSLW-017"),
            ],
            probability: 0.98,
            reasons: vec![why("owner's counter session overlaps", "与本人柜台会话重叠", "287", 9.3)],
            evidence: rows(Kind::Login, 0..287, 10),
        }],
        rings: vec![ring(exhibits)],
        farms: tied::farms(),
        paths: tied::paths(),
        unexplained_fraud_cards: 31,
        outside: Vec::new(),
        decoys: Vec::new(),
        limits: vec![Text::new(
            "no record says who paid for the telephones' data use.",
            "没有记录显示这些手机的流量由谁付费。",
        )],
    };
    Reference { source: MemorySource::default(), trace, findings: findings(), run: run() }
}
