//! Checks that hold a finding against the business, the place and the season it falls into.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use suyuan_detect::{RuleSet, detect};
use suyuan_model::outcome::{Finding, Level, Outcome};
use suyuan_model::scan::MemorySource;
use suyuan_model::{Kind, fixture, time};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// 2020-03-02, nine in the morning in China.
const START: i64 = 1_583_110_800_000_000;

/// Rows of a made-up carrier, by kind.
#[derive(Default)]
struct Rows(Vec<(Kind, Vec<Value>)>);

impl Rows {
    fn add(&mut self, kind: Kind, ts: i64, row: Value) {
        let at = self.0.iter().position(|k| k.0 == kind).unwrap_or_else(|| {
            self.0.push((kind, Vec::new()));
            self.0.len() - 1
        });
        let rows = &mut self.0[at].1;
        let mut row = row;
        let more = json!({"ts": time::format(ts), "source": "b", "seq": rows.len()});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rows.push(row);
    }

    /// A card of a person of its own.
    fn open(&mut self, ts: i64, account: &str, outlet: &str, more: Value) {
        let n = self.0.iter().find(|k| k.0 == Kind::Opening).map_or(0, |k| k.1.len());
        let mut row = json!({"account": account, "outlet": outlet, "card": format!("c{n}"), "subject": format!("s{n}"),
            "region6": "330681"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.add(Kind::Opening, ts, row);
    }

    /// The finding of a rule about an entity, and what the check that begins so says.
    fn told(&self, rule: &str, entity: &str, check: &str) -> (Level, Outcome, String) {
        let mut source = MemorySource::default();
        for (kind, rows) in &self.0 {
            let mut rows = rows.clone();
            rows.sort_by_key(|r| r["ts"].as_str().unwrap().to_owned());
            source.push(*kind, fixture::batch(*kind, &rows).unwrap());
        }
        let rules = RuleSet::embedded().unwrap().only(&[rule]);
        let found: Vec<Finding> = detect(&source, &rules, &mut |_| {}).unwrap();
        let f = found
            .iter()
            .find(|f| f.entity.id == entity)
            .unwrap_or_else(|| panic!("{rule} says nothing of {entity}"));
        let said = f.counter.iter().find(|c| c.what.en.starts_with(check)).unwrap();
        (f.level, said.outcome, said.detail.en.clone())
    }
}

/// Twenty accounts type one number in fifty by hand; of one more account's openings in six days, five.
fn typed(openings: i64) -> (Level, Outcome, String) {
    let mut rows = Rows::default();
    for n in 0..1000 {
        let account = format!("b{}", n % 20);
        let mode = if n / 20 == 7 { "manual" } else { "reader" };
        rows.open(START + n * 40 * 60_000_000, &account, "o2", json!({"id_read_mode": mode}));
    }
    for n in 0..openings {
        let mode = if n % (openings / 5) == 0 && n / (openings / 5) < 5 { "manual" } else { "reader" };
        rows.open(START + n * 6 * DAY / openings, "a1", "o1", json!({"id_read_mode": mode}));
    }
    rows.told("identity/typed-as-a-habit", "a1", "a busy desk")
}

#[test]
fn who_sells_much_types_some_by_hand() {
    let (level, outcome, said) = typed(200);
    assert_eq!((level, outcome), (Level::Informational, Outcome::Supported), "{said}");
    let (level, outcome, said) = typed(12);
    assert_eq!((level, outcome), (Level::Medium, Outcome::Excluded), "{said}");
}

/// Twelve openings far from the address, and so many at it.
fn away(there: i64) -> (Level, Outcome, String) {
    let mut rows = Rows::default();
    let at = json!({"outlet": "o1", "region6": "330681", "lat": 29.71, "lon": 120.24});
    rows.add(Kind::Outlet, START - 400 * DAY, at);
    for n in 0..12 + there {
        let lat = if n < 12 { 29.91 } else { 29.71 };
        let ts = START + (n * 7 % (12 + there)) * 10 * HOUR;
        rows.open(ts, "a1", "o1", json!({"gps_source": "device", "lat": lat, "lon": 120.24}));
    }
    rows.told("org/opened-away-from-the-address", "o1", "the shop is there")
}

#[test]
fn a_shop_that_also_goes_to_fairs_exists() {
    let (level, outcome, said) = away(30);
    assert_eq!((level, outcome), (Level::Informational, Outcome::Supported), "{said}");
    let (level, outcome, said) = away(5);
    assert_eq!((level, outcome), (Level::Medium, Outcome::NotCheckable), "{said}");
    let (level, outcome, said) = away(0);
    assert_eq!((level, outcome), (Level::Medium, Outcome::Excluded), "{said}");
}

/// Two persons a day at every device, then four days of twelve at one; the others do so many on those.
fn busy_days(others: i64) -> (Level, Outcome, String) {
    let mut rows = Rows::default();
    for day in 0..14 {
        for outlet in 1..9 {
            let many = match (day < 10, outlet) {
                (true, _) => 2,
                (false, 1) => 12,
                (false, _) => others,
            };
            for n in 0..many {
                let (outlet, device) = (format!("o{outlet}"), format!("t{outlet}"));
                let ts = START + day * DAY + n * HOUR / 2;
                rows.open(ts, &format!("a{outlet}"), &outlet, json!({"device": device}));
            }
        }
    }
    rows.told("opening/one-device-unusual-days", "t1", "a busy season")
}

#[test]
fn in_a_season_all_sell_many_times_as_much() {
    let (level, outcome, said) = busy_days(8);
    assert_eq!((level, outcome), (Level::Informational, Outcome::Supported), "{said}");
    let (level, outcome, said) = busy_days(2);
    assert_eq!((level, outcome), (Level::Medium, Outcome::Excluded), "{said}");
}

/// Twelve of a hundred cards of one outlet are used in a county far away, and so many of each of four others'.
fn far(others: i64) -> (Level, Outcome, String) {
    let mut rows = Rows::default();
    for n in 0..500 {
        rows.open(START + n * 60_000_000, "a", &format!("o{}", n % 5), json!({}));
    }
    for n in 0..500 {
        let (outlet, nth) = (n % 5, n / 5);
        if nth < if outlet == 0 { 12 } else { others } {
            let use_ = json!({"day": "2020-03-12", "card": format!("c{n}"), "imei": format!("m{n}"),
                "first_region6": "533102", "main_region6": "533102"});
            rows.add(Kind::Usage, START + 10 * DAY, use_);
        }
    }
    rows.told("use/one-outlets-cards-in-one-far-county", "o0", "where many customers go")
}

#[test]
fn where_customers_of_all_outlets_go_is_no_sign() {
    let (level, outcome, said) = far(9);
    assert_eq!((level, outcome), (Level::Informational, Outcome::Supported), "{said}");
    let (level, outcome, said) = far(1);
    assert_eq!((level, outcome), (Level::High, Outcome::Excluded), "{said}");
}

/// Three of a help desk look up addresses for months; then one takes identity numbers too, and so many of the others after it.
fn new_data(colleagues: usize) -> (Level, Outcome, String) {
    let mut rows = Rows::default();
    let look = |rows: &mut Rows, ts: i64, account: usize, categories: &str| {
        let n = rows.0.iter().find(|k| k.0 == Kind::Access).map_or(0, |k| k.1.len());
        let row = json!({"account": format!("b{account}"), "action": "view", "subject": format!("s{n}"),
            "categories": categories});
        rows.add(Kind::Access, ts, row);
    };
    for account in 0..3 {
        rows.add(
            Kind::Staff,
            START - 400 * DAY,
            json!({"account": format!("b{account}"), "outlet": "o1", "role": "help"}),
        );
        for n in 0..400 {
            look(&mut rows, START + n * 4 * HOUR, account, "address;phone");
        }
    }
    let change = START + 1600 * HOUR;
    for n in 0..30 {
        look(&mut rows, change + n * 60_000_000, 0, "address;id_number;phone");
    }
    for account in 1..3 {
        let taken = if account <= colleagues { "address;id_number;phone" } else { "address;phone" };
        for n in 0..30 {
            look(&mut rows, change + DAY + n * 60_000_000, account, taken);
        }
    }
    rows.told("access/data-nobody-else-takes", "b0", "a new task or screen")
}

#[test]
fn a_new_screen_is_used_by_colleagues_too() {
    let (level, outcome, said) = new_data(2);
    assert_eq!((level, outcome), (Level::Informational, Outcome::Supported), "{said}");
    let (level, outcome, said) = new_data(0);
    assert_eq!((level, outcome), (Level::Medium, Outcome::Excluded), "{said}");
}
