//! What every world must hold to: valid rows, time order, the same bytes for the same seed, and for the
//! reference case the facts as published.
#![allow(clippy::unwrap_used)]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own world has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use suyuan_model::checks::{Check, iccid_check, imei_check};
use suyuan_model::identity::IdNumber;
use suyuan_model::{FieldType, Kind, PiiClass, money, region, segment, time};
use suyuan_sim::{SimError, Size, Summary, World, generate};
use tempfile::TempDir;

struct Made {
    dir: TempDir,
    summary: Summary,
}

type Row = BTreeMap<String, String>;

impl Made {
    fn rows(&self, kind: Kind) -> Vec<Row> {
        let path = self.out().join(format!("{}.csv", kind.name()));
        if !path.exists() {
            return Vec::new();
        }
        let mut reader = csv::Reader::from_path(path).unwrap();
        let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let named = |r: csv::StringRecord| head.iter().cloned().zip(r.iter().map(str::to_owned)).collect();
        reader.records().map(|r| named(r.unwrap())).collect()
    }
    /// Some columns of a large file, in the order asked for.
    fn columns(&self, kind: Kind, names: &[&str], mut each: impl FnMut(&[&str])) {
        let mut reader = csv::Reader::from_path(self.out().join(format!("{}.csv", kind.name()))).unwrap();
        let head = reader.headers().unwrap().clone();
        let at: Vec<usize> = names.iter().map(|n| head.iter().position(|h| h == *n).unwrap()).collect();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).unwrap() {
            each(&at.iter().map(|i| &record[*i]).collect::<Vec<_>>());
        }
    }
    fn out(&self) -> std::path::PathBuf {
        self.dir.path().join("records")
    }
}

fn make(name: &str, size: Size, seed: u64) -> Made {
    let dir = tempfile::tempdir().unwrap();
    let world = World::embedded(name).unwrap();
    let (out, truth) = (dir.path().join("records"), dir.path().join("truth"));
    let summary = generate(&world, size, seed, &out, &truth, &mut |_| {}).unwrap();
    assert!(truth.join("truth.json").exists());
    Made { dir, summary }
}

/// Why a value is not one of its type; `None` where it is.
fn fault(ty: FieldType, text: &str) -> Option<&'static str> {
    let real = |lo: f64, hi: f64| text.parse::<f64>().is_ok_and(|v| (lo..=hi).contains(&v));
    let ok = match ty {
        FieldType::Id | FieldType::Text => text.trim() == text,
        FieldType::Iccid => iccid_check(text) == Check::Ok && text.len() == 20,
        FieldType::Imei => imei_check(text) == Check::Ok,
        FieldType::Enum(values) => values.contains(&text),
        FieldType::Set(values) => {
            let parts: Vec<&str> = text.split(';').collect();
            parts.iter().all(|p| values.contains(p)) && parts.windows(2).all(|w| w[0] < w[1])
        }
        FieldType::Pii(PiiClass::Person) if text.len() == 11 => segment::lookup(&text[..7]).is_some(),
        FieldType::Pii(PiiClass::Person) => {
            IdNumber::parse(text).is_ok_and(|id| id.check_ok == Some(true) && id.region_known)
        }
        FieldType::Pii(PiiClass::Msisdn | PiiClass::Contact) => {
            text.len() == 11 && segment::lookup(&text[..7]).is_some()
        }
        FieldType::Pii(_) => text.chars().count() > 1,
        FieldType::Region => region::known(text, 2020),
        FieldType::Time => time::parse(text).is_some() && text.ends_with("+08:00"),
        FieldType::Day => time::parse_day(text).is_some(),
        FieldType::Int => text.parse::<i64>().is_ok_and(|n| n >= 0),
        FieldType::Real => text.parse::<f64>().is_ok(),
        FieldType::Lat => real(18.0, 54.0),
        FieldType::Lon => real(73.0, 136.0),
        FieldType::Score => real(0.0, 1.0),
        FieldType::Money => money::parse_yuan(text).is_some_and(|fen| fen > 0),
        FieldType::Bool => matches!(text, "true" | "false"),
    };
    (!ok).then_some("is not one of its type")
}

fn check_kind(made: &Made, kind: Kind, end: i64) {
    // Identity numbers that cannot be are one of the schemes.
    let planted = made.summary.truth.groups.iter().filter(|g| g.schemes.contains(&"G04"));
    let wrong: BTreeSet<&String> = planted.flat_map(|g| &g.subjects).collect();
    let spec = kind.spec();
    let path = made.out().join(format!("{}.csv", kind.name()));
    if let Ok(text) = fs::read_to_string(&path) {
        let head = text.lines().next().unwrap();
        let fields: Vec<_> = spec.fields.iter().map(|f| f.name).collect();
        assert_eq!(head, format!("ts,source,seq,{}", fields.join(",")));
    }
    let mut before = String::new();
    let mut seqs: BTreeMap<String, i64> = BTreeMap::new();
    for row in made.rows(kind) {
        let at = format!("{} {}", kind.name(), row["ts"]);
        assert!(row["ts"] >= before, "{at}: not in time order");
        assert!(time::parse(&row["ts"]).unwrap() < end, "{at}: behind the last day");
        before = row["ts"].clone();
        let seq = seqs.entry(row["source"].clone()).or_default();
        *seq += 1;
        assert_eq!(row["seq"], seq.to_string(), "{at}: sequence of {}", row["source"]);
        for f in spec.fields {
            let text = &row[f.name];
            assert!(!f.required || !text.is_empty(), "{at}: `{}` is missing", f.name);
            if let Some(why) =
                Some(text).filter(|t| !t.is_empty() && !wrong.contains(t)).and_then(|t| fault(f.ty, t))
            {
                panic!("{at}: `{}` = `{text}` {why}", f.name);
            }
        }
        let group = |g: &&[&str]| g.iter().all(|f| !row[*f].is_empty());
        assert!(spec.any_of.is_empty() || spec.any_of.iter().any(group), "{at}: none of any_of");
    }
}

#[test]
fn every_row_is_valid() {
    for (name, seed) in [("qt-2020", 11), ("clean", 12), ("many", 13), ("careful", 14), ("schemes", 15)] {
        let made = make(name, Size::Tiny, seed);
        let end = time::parse("2020-03-01T00:00:00+08:00").unwrap();
        for kind in Kind::ALL {
            check_kind(&made, *kind, end);
            let n = made.rows(*kind).len() as u64;
            assert_eq!(made.summary.rows.get(kind.name()).copied().unwrap_or(0), n, "{name} {}", kind.name());
        }
        assert!(made.summary.total() > 20_000, "{name}");
    }
}

fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    files.map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&p).unwrap())).collect()
}

#[test]
fn a_seed_is_a_world() {
    let (a, b, c) = (make("many", Size::Tiny, 5), make("many", Size::Tiny, 5), make("many", Size::Tiny, 6));
    assert!(bytes(a.dir.path().join("truth").as_path()) == bytes(b.dir.path().join("truth").as_path()));
    let (a, b, c) = (bytes(&a.out()), bytes(&b.out()), bytes(&c.out()));
    assert!(a == b, "the same seed, other bytes");
    for (name, text) in &a {
        assert!(c.get(name) != Some(text), "{name} is the same for two seeds");
    }
}

#[test]
fn the_reference_case_is_there_to_the_letter() {
    let made = make("qt-2020", Size::Small, 3);
    let ring = &made.summary.truth.rings[0];
    assert!((3_500..=3_560).contains(&ring.cards.len()), "{} cards", ring.cards.len());
    assert_eq!((ring.fraud_cards.len(), ring.fraud_cases.len()), (55, 68));
    assert!((284_000_000..285_000_000).contains(&ring.loss_fen), "{}", ring.loss_fen);
    assert!((402..=460).contains(&ring.bought.len()), "{}", ring.bought.len());
    assert_eq!(ring.window[0].as_str(), "2019-12-02");
    assert!(ring.window[1].starts_with("2020-11"));
    assert!(made.summary.total() < 3_500_000, "{}", made.summary.total());

    let cards: BTreeSet<&str> = ring.cards.iter().map(String::as_str).collect();
    let fraud: BTreeSet<&str> = ring.fraud_cards.iter().map(String::as_str).collect();
    let reports: Vec<Row> =
        made.rows(Kind::FraudReport).into_iter().filter(|r| cards.contains(r["card"].as_str())).collect();
    assert_eq!(reports.len(), 68);
    let loss: i64 = reports.iter().map(|r| money::parse_yuan(&r["loss_cny"]).unwrap()).sum();
    assert_eq!(loss, ring.loss_fen);
    assert_eq!(reports.iter().map(|r| r["card"].as_str()).collect::<BTreeSet<_>>(), fraud);

    let openings: Vec<Row> = made.rows(Kind::Opening);
    let own: Vec<&Row> = openings.iter().filter(|r| cards.contains(r["card"].as_str())).collect();
    assert_eq!(own.len(), cards.len());
    for r in &own {
        assert!(r["region6"].starts_with("33") && r["cell_region6"].starts_with("3205"));
        assert_eq!(r["account"], ring.accounts[0]);
        assert!(ring.devices.contains(&r["device"]));
        assert!(r["captured_at"] < r["ts"]);
    }
    let days: BTreeSet<&str> = own.iter().map(|r| &r["ts"][..10]).collect();
    let a_day = own.len() as f64 / days.len() as f64;
    assert!((9.0..12.0).contains(&a_day), "{a_day} openings a day");

    let overrides = made
        .rows(Kind::AccountChange)
        .into_iter()
        .filter(|r| r["change"] == "location_override" && ring.devices.contains(&r["device"]))
        .count();
    assert!(overrides * 10 > own.len() * 8, "{overrides}");
    exhibits(&made);
    base_rates(&made, &openings, &cards);
}

fn exhibits(made: &Made) {
    let ring = &made.summary.truth.rings[0];
    assert_eq!(made.rows(Kind::Party).len(), 6);
    let dealings = made.rows(Kind::Dealing);
    let sum = |from: &str, to: &str, what: &str| -> i64 {
        let fits = |r: &&Row| r["from"] == from && r["to"] == to && r["what"] == what;
        dealings.iter().filter(fits).map(|r| r["quantity"].parse::<i64>().unwrap()).sum()
    };
    assert!(sum("p2", "p3", "goods") >= ring.cards.len() as i64);
    assert_eq!(sum("p3", "p1", "goods"), ring.cards.len() as i64);
    assert_eq!(sum("p6", "p3", "data"), ring.bought.len() as i64);
    assert_eq!((sum("p2", "p4", "credentials"), sum("p2", "p5", "credentials")), (1, 1));
    let persons = (ring.persons.len() - ring.bought.len()) as i64;
    assert_eq!(sum("p4", "p3", "data") + sum("p5", "p3", "data"), persons);
    for r in dealings.iter().filter(|r| !r["unit_price_cny"].is_empty()) {
        let price = money::parse_yuan(&r["unit_price_cny"]).unwrap();
        assert!((3_500..=4_000).contains(&price));
        let amount = money::parse_yuan(&r["amount_cny"]).unwrap();
        assert_eq!(amount, price * r["quantity"].parse::<i64>().unwrap());
    }
    assert!(dealings.iter().all(|r| r["what"] != "money"), "which way the money went is not known");
    let found = made.rows(Kind::Sighting).into_iter().filter(|r| r["party"] == "p1").count();
    assert!(found * 2 > ring.cards.len());
}

/// Shares that the schemes' sources give, and that make honest work look like honest work.
fn base_rates(made: &Made, openings: &[Row], ring: &BTreeSet<&str>) {
    let honest = openings.len() - ring.len();
    let background = made.summary.truth.background_fraud_cards.len();
    let rate = background as f64 / honest as f64;
    assert!((1e-4..1e-3).contains(&rate), "{rate}");

    let mut reasons: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    made.columns(Kind::WorkOrder, &["subject", "valid_from", "valid_to"], |c| {
        let window = (time::parse(c[1]).unwrap(), time::parse(c[2]).unwrap());
        reasons.entry(c[0].to_owned()).or_default().push(window);
    });
    for r in openings {
        let ts = time::parse(&r["ts"]).unwrap();
        reasons.entry(r["subject"].clone()).or_default().push((ts - time::HOUR, ts));
    }
    let (mut explained, mut all) = (0u64, 0u64);
    made.columns(Kind::Access, &["source", "ts", "subject", "order"], |c| {
        let ts = time::parse(c[1]).unwrap();
        let inside = |(from, to): &(i64, i64)| (from - time::HOUR / 2..=to + time::HOUR / 2).contains(&ts);
        let reason = || reasons.get(c[2]).is_some_and(|w| w.iter().any(inside));
        if c[0] == "crm" {
            explained += u64::from(!c[3].is_empty() || reason());
            all += 1;
        }
    });
    let share = explained as f64 / all as f64;
    assert!((0.90..0.95).contains(&share), "{share} of {all} look-ups explained");
}

#[test]
fn clean_has_no_insider_and_many_has_ten() {
    let clean = make("clean", Size::Tiny, 1);
    let truth = &clean.summary.truth;
    assert!(truth.rings.is_empty() && truth.leakers.is_empty());
    for kind in [Kind::Party, Kind::Dealing, Kind::Sighting] {
        assert!(clean.rows(kind).is_empty());
    }
    assert!(truth.background_fraud_cards.len() >= 6, "the base rate is empty");
    let many = make("many", Size::Tiny, 1);
    let truth = &many.summary.truth;
    assert_eq!(truth.rings.len() + truth.leakers.len(), 10);
    let accounts: BTreeSet<&String> = truth
        .rings
        .iter()
        .flat_map(|r| &r.accounts)
        .chain(truth.leakers.iter().map(|l| &l.account))
        .collect();
    assert!(accounts.len() >= 10, "one account is in two schemes");
    for leaker in &truth.leakers {
        assert!(!leaker.persons.is_empty(), "{}", leaker.id);
        let persons: BTreeSet<&String> = leaker.persons.iter().collect();
        assert!(leaker.victims.iter().all(|v| persons.contains(v)));
    }
}

#[test]
fn lookalikes_of_every_kind_are_planted() {
    let made = make("clean", Size::Small, 2);
    let kinds: Vec<&str> = made.summary.truth.lookalikes.keys().copied().collect();
    for kind in [
        "alarm_card",
        "assisted_recovery",
        "call_centre_card",
        "campus_outlet",
        "colleague_card",
        "courier_card",
        "data_card",
        "delegated_auditor",
        "delivered_card",
        "device_lab_card",
        "family_plan_card",
        "guardian_card",
        "lost_phone_card",
        "migration_export",
        "on_call_engineer",
        "pension_day_outlet",
        "promotion_account",
        "qa_team_card",
        "repair_shop_imei",
        "seasonal_courier_card",
        "second_outlet",
        "spare_card",
        "stall_account",
        "team_contract",
        "tour_group_card",
        "unticketed_helper",
        "gps_drift_account",
        "group_contract_order",
        "honest_collector",
        "late_terminal",
        "late_transfer_card",
        "loan_device",
        "offline_outlet",
        "ordered_export",
        "police_liaison",
        "reader_failure_order",
        "supervisor_review",
        "twin_face",
        "two_counters",
        "van_account",
        "vpn_account",
        "wrong_stop_card",
    ] {
        assert!(kinds.contains(&kind), "no {kind}");
    }
}

#[test]
fn every_scheme_has_its_group() {
    let made = make("schemes", Size::Tiny, 4);
    let world = World::embedded("schemes").unwrap();
    let truth = &made.summary.truth;
    assert_eq!(truth.groups.len(), world.scheme.len() + world.leaker.len());
    let mut owners = BTreeSet::new();
    for g in &truth.groups {
        assert!(g.first < g.last, "{}: {} to {}", g.id, g.first, g.last);
        for account in &g.accounts {
            assert!(owners.insert(account), "{account} is in two groups");
        }
    }
    // What a group's cards do shows in their use.
    let of = |id: &str| truth.groups.iter().find(|g| g.id == id).unwrap();
    let used = |id: &str| -> Vec<Row> {
        made.rows(Kind::Usage).into_iter().filter(|r| of(id).cards.contains(&r["card"])).collect()
    };
    let number = |r: &Row, f: &str| r[f].parse::<i64>().unwrap();
    assert!(used("unused").is_empty());
    let farm = used("code-farm");
    assert!(farm.iter().all(|r| number(r, "otp_senders") >= 20 && number(r, "calls_out") == 0));
    let pool: BTreeSet<String> = used("pool").into_iter().map(|r| r["imei"].clone()).collect();
    assert!(pool.len() * 3 < of("pool").cards.len(), "{} devices", pool.len());
    let mut days: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for r in used("dormant") {
        let day = time::parse_day(&r["day"]).unwrap();
        days.entry(r["card"].clone()).or_default().push((day, number(&r, "calls_out")));
    }
    let woken = |d: &&Vec<(i64, i64)>| d.windows(2).any(|w| w[1].0 - w[0].0 >= 30 && w[1].1 >= 50);
    assert!(days.values().filter(woken).count() * 2 > days.len(), "few wake up");
}

#[test]
fn a_wrong_world_is_told() {
    let text = include_str!("../../../worlds/qt-2020.toml");
    let told = |from: &str, to: &str| World::parse(&text.replace(from, to)).unwrap_err().to_string();
    assert!(
        told("region = \"330681\" # 诸暨", "region = \"330699\"").contains("`330699` is not a county's code")
    );
    assert!(told("explained = 0.92", "explained = 1.92").contains("a share lies between 0 and 1"));
    assert!(told("queues = 0.12", "queue = 0.12").contains("queue"), "an unknown field is an error");
    assert!(told("days = 91", "days = 3").contains("at least 14"));
    assert!(told("fraud_cases = 68", "fraud_cases = 5").contains("fraud_cards"));
    assert!(told("start = \"2019-12-01\"", "start = \"soon\"").contains("`soon`"));
    assert!(told("operators = 2", "operators = 0").contains("operators"));
    assert!(matches!(World::embedded("nowhere"), Err(SimError::UnknownWorld { .. })));
    assert!(Size::by_name("huge").unwrap_err().to_string().contains("tiny, small and city"));
    let dir = tempfile::tempdir().unwrap();
    let world = World::embedded("clean").unwrap();
    let inside = dir.path().join("truth");
    let e = generate(&world, Size::Tiny, 1, dir.path(), &inside, &mut |_| {}).unwrap_err();
    assert!(matches!(e, SimError::TruthInside(_)));
}
