//! Made-up rules and rows, to hold the evaluator against other ways of computing the same alerts.
//!
//! A [`Trial`] is a function of its number: a rule of every correlation type over openings and logins, rows with ties,
//! missing keys and repeats, a delay for each row, places to cut and to restart. Tests in this crate and in others
//! compare history, live, a plain reading of the definitions and SQL on the same trials.

use std::fmt::Write;

use serde_json::{Value, json};
use suyuan_model::Kind;
use suyuan_model::time;

/// Everything of the first trial happens after this time.
pub const START: i64 = 1_577_836_800_000_000;

/// One made-up case.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its number.
    pub number: u64,
    /// The rule's file.
    pub rule: String,
    /// Rows in the total order; `seq` is unique within a source.
    pub rows: Vec<(Kind, Value)>,
    /// When each row arrives, microseconds after [`START`]: at most a minute late.
    pub arrivals: Vec<i64>,
    /// Batches end after these many arrivals.
    pub cuts: Vec<usize>,
    /// Of the batches, after which to save, drop and restore.
    pub restarts: Vec<usize>,
}

/// A fixed generator (splitmix64): trials are the same on every machine.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678_9ABC_DEF0)
    }
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// Below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }
    /// True once in `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    /// One of these.
    pub fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// What every made-up rule says of itself.
pub const HEAD: &str = "suyuan:
  scheme: T
  title_zh: 试
  description_zh: 试
  family: opening
  confidence: engineering
  threshold_from: {en: test, zh: 试}
  entity: {account: account}
  clears: {en: x, zh: x}
  cannot_tell: {en: x, zh: x}
  hit: [{record: opening, ts: '2020-01-01T00:00:00Z', card: c}]
  miss: [{record: opening, ts: '2020-01-01T00:00:00Z', card: c}]
";

impl Trial {
    /// The trial of that number.
    pub fn of(number: u64) -> Trial {
        let mut d = Dice::new(number);
        let rule = rule(&mut d, number);
        let rows = rows(&mut d);
        let arrivals: Vec<i64> = rows
            .iter()
            .map(|(_, r)| {
                let ts = r["ts"].as_str().and_then(time::parse).unwrap_or(START);
                let late = if d.one_in(3) { d.below(59_000_000) as i64 } else { 0 };
                ts - START + late
            })
            .collect();
        let n = rows.len() as u64;
        let mut cuts: Vec<usize> = (0..d.below(6)).map(|_| d.below(n + 1) as usize).collect();
        cuts.push(rows.len());
        cuts.sort_unstable();
        let restarts = (0..cuts.len()).filter(|_| d.one_in(3)).collect();
        Trial { number, rule, rows, arrivals, cuts, restarts }
    }

    /// Rows in the order of their arrival, as batches of `(kind, rows, arrival of the last)`.
    pub fn batches(&self) -> Vec<(Kind, Vec<Value>, i64)> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by_key(|i| (self.arrivals[*i], *i));
        let mut out: Vec<(Kind, Vec<Value>, i64)> = Vec::new();
        let mut start = 0;
        for end in &self.cuts {
            for i in &order[start.min(*end)..*end] {
                let (kind, row) = &self.rows[*i];
                let at = START + self.arrivals[*i];
                match out.last_mut().filter(|b| b.0 == *kind && start != 0 && !b.1.is_empty()) {
                    Some(b) if self.number.is_multiple_of(2) => {
                        b.1.push(row.clone());
                        b.2 = at;
                    }
                    _ => out.push((*kind, vec![row.clone()], at)),
                }
            }
            start = *end;
        }
        out
    }
}

fn rule(d: &mut Dice, number: u64) -> String {
    let mut text = String::new();
    let detection = |text: &mut String, name: &str, service: &str, body: &str| {
        let _ = write!(
            text,
            "name: {name}\nlogsource: {{product: suyuan, service: {service}}}\ndetection: {{s: {{{body}}}, condition: s}}\n---\n"
        );
    };
    let bodies =
        ["plan: p0", "plan: [p0, p1]", "plan: p2", "plan|startswith: p", "duration_s|gte: 20", "device: d1"];
    let logins = ["result: ok", "result: failed", "device: d0", "session|exists: true"];
    detection(&mut text, "a", "opening", d.of(&bodies));
    detection(&mut text, "b", "opening", d.of(&bodies));
    detection(&mut text, "l", "login", d.of(&logins));
    let group = d.of(&["[account]", "[account, device]", "account"]);
    let span = d.of(&["40s", "5m", "30m", "2h", "1d"]);
    let (mut kind, mut rules, mut condition, mut extra) =
        ("event_count", "[a]", String::new(), String::new());
    let n = 1 + d.below(4);
    let compare = |d: &mut Dice, n: u64| match d.below(6) {
        0 => format!("gt: {n}"),
        1 => format!("eq: {n}"),
        2 => format!("lte: {n}"),
        3 => format!("gte: {n}, lt: {}", n + 2),
        _ => format!("gte: {n}"),
    };
    match number % 11 {
        0 | 1 => {
            rules = d.of(&["[a]", "[a, b]", "[a, l]"]);
            condition = format!(", condition: {{{}}}", compare(d, n));
        }
        2 => {
            kind = "value_count";
            let field = d.of(&["subject", "plan", "[subject, plan]"]);
            condition = format!(", condition: {{field: {field}, {}}}", compare(d, n));
        }
        3 | 4 => {
            kind = d.of(&["value_sum", "value_avg", "value_median", "value_percentile"]);
            let p = if kind == "value_percentile" { ", percentile: 75" } else { "" };
            let most = if kind == "value_sum" { 120 } else { 40 };
            let n = 10 + d.below(most);
            condition = format!(", condition: {{field: duration_s, {}{p}}}", compare(d, n));
        }
        5 => {
            kind = "temporal";
            rules = d.of(&["[a, b]", "[a, l]", "[b, a, l]"]);
            if rules == "[a, l]" && d.one_in(2) {
                condition = format!(", condition: {}", d.of(&["a and not l", "a or l", "not a and l"]));
            }
        }
        6 => {
            kind = "temporal_ordered";
            rules = d.of(&["[a, b]", "[l, a]", "[a, l, b]", "[a, a]"]);
        }
        7 => {
            kind = "temporal_ordered";
            rules = "[l, a]";
            let least = 1 + d.below(3);
            let across = d.of(&["device != $1.device", "device == $1.device", "account == $1.account"]);
            extra = format!(
                "  sequence: {{steps: [{{rule: l}}, {{rule: a, min: {least}, where: '{across}'}}]}}\n"
            );
        }
        8 => {
            rules = "[l]";
            condition = ", condition: {gte: 1}".to_owned();
            extra = format!("  absence: {{after: l, not: a, within: {span}}}\n");
        }
        _ => {
            // A correlation over a correlation.
            let inner = format!("gte: {}", 1 + d.below(3));
            let _ = write!(
                text,
                "name: many\ncorrelation: {{type: event_count, rules: [a], group-by: {group}, timespan: 30m, condition: {{{inner}}}}}\n---\n"
            );
            if number.is_multiple_of(2) {
                kind = "temporal_ordered";
                rules = "[many, l]";
            } else {
                rules = "[many]";
                condition = format!(", condition: {{gte: {}}}", 1 + d.below(3));
            }
        }
    }
    if d.one_in(2) {
        extra += "  emit: every\n";
    }
    let _ = write!(
        text,
        "title: t\ndescription: t\nlevel: low\ncorrelation: {{type: {kind}, rules: {rules}, group-by: {group}, timespan: {span}{condition}}}\n{HEAD}{extra}"
    );
    text
}

fn rows(d: &mut Dice) -> Vec<(Kind, Value)> {
    let n = d.below(50);
    // Times fall on few instants, so that ties are common.
    let step = d.of(&[&1_000_000u64, &20_000_000, &60_000_000, &900_000_000]);
    let mut out = Vec::new();
    for seq in 0..n {
        let ts = START + (d.below(60) * step) as i64;
        let name = |d: &mut Dice, p: &str, n: u64| match d.one_in(8) {
            true => Value::Null,
            false => json!(format!("{p}{}", d.below(n))),
        };
        let source = d.of(&["s1", "s2", "甲"]);
        let (account, device) = (name(d, "a", 2), name(d, "d", 2));
        let mut row = json!({"ts": time::format(ts), "source": source, "seq": seq, "account": account, "device": device});
        let kind = if d.one_in(4) { Kind::Login } else { Kind::Opening };
        match kind {
            Kind::Login => {
                // A login must name its account and device.
                row["account"] = json!(format!("a{}", d.below(2)));
                row["device"] = json!(format!("d{}", d.below(2)));
                row["result"] = json!(d.of(&["ok", "failed"]));
                row["session"] = name(d, "x", 3);
            }
            _ => {
                row["card"] = json!(format!("c{seq}"));
                row["subject"] = name(d, "p", 4);
                row["plan"] = name(d, "p", 3);
                row["duration_s"] = if d.one_in(6) { Value::Null } else { json!(d.below(60)) };
            }
        }
        out.push((kind, row));
    }
    out.sort_by(|(ka, a), (kb, b)| {
        let key = |k: &Kind, r: &Value| {
            let ts = r["ts"].as_str().and_then(time::parse).unwrap_or(0);
            (ts, r["source"].as_str().unwrap_or("").to_owned(), r["seq"].as_i64().unwrap_or(0), *k)
        };
        key(ka, a).cmp(&key(kb, b))
    });
    out
}
