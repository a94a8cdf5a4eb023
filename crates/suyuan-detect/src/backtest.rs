//! What a rule would have said: alerts a day, and what became of those it named, as far as the records know.
//!
//! Side-effect free: nothing is kept. Rows before the period warm the windows up; rows after it only tell outcomes. An
//! outcome is known of an alert when one of the cards or persons in its rows has one: a fraud report, a failed or passed
//! re-verification, a complaint. Where none has, that is said, and no precision is made up.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use suyuan_model::Kind;
use suyuan_model::columns::{Column, Key as KeyColumns};
use suyuan_model::outcome::{Entity, Text};
use suyuan_model::scan::{RowSource, Want, for_each};
use suyuan_model::time::{self, china_day};

use crate::alert::Alert;
use crate::error::DetectError;
use crate::field;
use crate::rule::RuleSet;
use crate::run::alerts;
use crate::view::{Binder, View};

/// Alerts that a report lists.
const LISTED: usize = 50;

/// What is known of an alert afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// A card or person of its rows was harmed, stopped or complained.
    Bad,
    /// Outcomes are known and all are good.
    Good,
    /// Nothing is known.
    Nothing,
}

/// What a rule would have said over a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backtest {
    /// The rule and the hash of its text.
    pub rule: String,
    /// SHA-256 of its text, first 16 hex digits.
    pub rule_hash: String,
    /// From, RFC 3339; the first row where none was asked for.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub since: i64,
    /// Until (not included).
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub until: i64,
    /// Rows read.
    pub rows: u64,
    /// Alerts in the period.
    pub alerts: u64,
    /// Of them on trial or suppressed.
    pub silent: u64,
    /// Different entities.
    pub entities: u64,
    /// Days of the period, and per day with alerts how many.
    pub days: u64,
    /// `[day, alerts]` for each day with alerts.
    pub by_day: Vec<(String, u64)>,
    /// Alerts whose outcome is bad, good, not known.
    pub bad: u64,
    /// Known and all good.
    pub good: u64,
    /// Not known.
    pub unknown: u64,
    /// Precision among the known, with its 95 % interval (Wilson); `None` where none is known.
    pub precision: Option<(f64, f64, f64)>,
    /// The share of bad outcomes among all cards with a known one: what chance would give.
    pub base: Option<f64>,
    /// Cards with a bad outcome in the period's alerts, of all cards with one.
    pub overlap: (u64, u64),
    /// The first alerts, each with what is known.
    pub first: Vec<(Alert, Known)>,
    /// In words.
    pub says: Text,
}

/// Runs the rules of the set (one, as a rule) over all rows and reports on the period `[since, until)`.
///
/// Errors: the source could not be read.
pub fn backtest(
    source: &dyn RowSource,
    rules: &RuleSet,
    since: Option<i64>,
    until: Option<i64>,
    progress: &mut dyn FnMut(u64),
) -> Result<Backtest, DetectError> {
    let outcomes = Outcomes::read(source)?;
    let mut rows = 0;
    let all = alerts(source, rules, &mut |n| {
        rows = n;
        progress(n);
    })?;
    let (first, last) = span(source, rules)?;
    let since = since.unwrap_or(first);
    let until = until.unwrap_or(last.saturating_add(1));
    let told: Vec<Alert> = all.into_iter().filter(|a| since <= a.at && a.at < until).collect();
    let named = named(source, &told)?;
    let mut by_day: BTreeMap<i64, u64> = BTreeMap::new();
    let mut tally: BTreeMap<Known, u64> = BTreeMap::new();
    let mut harmed: BTreeSet<&str> = BTreeSet::new();
    let mut first = Vec::new();
    for a in &told {
        *by_day.entry(china_day(a.at)).or_default() += 1;
        let ids: BTreeSet<&str> =
            a.rows.iter().filter_map(|r| named.get(&r.to_string())).flatten().map(String::as_str).collect();
        let known = outcomes.of(&ids);
        harmed.extend(ids.iter().filter(|i| outcomes.cards.get(**i) == Some(&true)));
        *tally.entry(known).or_default() += 1;
        if first.len() < LISTED {
            first.push((a.clone(), known));
        }
    }
    let count = |k| tally.get(&k).copied().unwrap_or(0);
    let (bad, good) = (count(Known::Bad), count(Known::Good));
    let entities: BTreeSet<&Entity> = told.iter().map(|a| &a.entity).collect();
    let rule = rules.rules().last();
    let mut out = Backtest {
        rule: rule.map(|r| r.id.clone()).unwrap_or_default(),
        rule_hash: rule.map(|r| r.hash.clone()).unwrap_or_default(),
        since,
        until,
        rows,
        alerts: told.len() as u64,
        silent: told.iter().filter(|a| a.shadow || a.suppressed.is_some()).count() as u64,
        entities: entities.len() as u64,
        days: u64::try_from(china_day(until.saturating_sub(1)) - china_day(since) + 1).unwrap_or(0),
        by_day: by_day.into_iter().map(|(d, n)| (time::format_day(d), n)).collect(),
        bad,
        good,
        unknown: count(Known::Nothing),
        precision: (bad + good > 0).then(|| wilson(bad, bad + good)),
        base: outcomes.base(),
        overlap: (harmed.len() as u64, outcomes.cards.values().filter(|b| **b).count() as u64),
        first,
        says: Text::default(),
    };
    out.says = says(&out);
    Ok(out)
}

fn says(b: &Backtest) -> Text {
    let days = b.days.max(1) as f64;
    let rate = b.alerts as f64 / days;
    let (mut en, mut zh) = (
        format!("{} alerts about {} entities in {} days, {rate:.2} a day", b.alerts, b.entities, b.days),
        format!("{}天内预警{}次，涉及{}个对象，日均{rate:.2}次", b.days, b.alerts, b.entities),
    );
    match b.precision {
        Some((p, low, high)) => {
            en += &format!(
                "; outcomes are known of {}, {} of them bad: precision {p:.2} (95 % interval {low:.2} to {high:.2})",
                b.bad + b.good,
                b.bad
            );
            zh += &format!(
                "；其中{}次已有结果，{}次属实：准确率{p:.2}（95%区间{low:.2}至{high:.2}）",
                b.bad + b.good,
                b.bad
            );
            if let Some(base) = b.base {
                en += &format!("; among all cards with a known outcome {base:.2} are bad");
                zh += &format!("；全部有结果的卡中，异常占{base:.2}");
            }
        }
        None => {
            en += "; the records hold no outcome for any of them, so nothing can be said of precision";
            zh += "；记录中没有任何相关结果，无法评价准确率";
        }
    }
    Text::new(en, zh)
}

/// The score interval of Wilson (1927) at 95 %.
fn wilson(k: u64, n: u64) -> (f64, f64, f64) {
    let (k, n, z) = (k as f64, n as f64, 1.959_964);
    let p = k / n;
    let d = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / d;
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / d;
    (p, (centre - half).max(0.0), (centre + half).min(1.0))
}

/// Outcomes by card and by person: true where bad.
struct Outcomes {
    cards: BTreeMap<String, bool>,
    persons: BTreeMap<String, bool>,
}

impl Outcomes {
    fn read(source: &dyn RowSource) -> Result<Outcomes, DetectError> {
        use suyuan_model::records::complaint::ComplaintColumns;
        use suyuan_model::records::fraud_report::FraudReportColumns;
        use suyuan_model::records::reverification::ReverificationColumns;
        let mut out = Outcomes { cards: BTreeMap::new(), persons: BTreeMap::new() };
        let put = |map: &mut BTreeMap<String, bool>, id: Option<&str>, bad: bool| {
            if let Some(id) = id {
                *map.entry(id.to_owned()).or_default() |= bad;
            }
        };
        let wants = [
            Want::only(Kind::FraudReport, &["card", "victim"]),
            Want::only(Kind::Reverification, &["card", "subject", "result"]),
            Want::only(Kind::Complaint, &["card", "subject", "kind"]),
        ];
        for_each(source, &wants, |kind, batch, i| match kind {
            Kind::FraudReport => {
                let c = FraudReportColumns::bind(batch);
                put(&mut out.cards, c.card.get(i), true);
                put(&mut out.persons, c.victim.get(i), true);
            }
            Kind::Reverification => {
                let c = ReverificationColumns::bind(batch);
                match c.result.get(i) {
                    Some("failed") => {
                        put(&mut out.cards, c.card.get(i), true);
                        put(&mut out.persons, c.subject.get(i), true);
                    }
                    Some("passed") => put(&mut out.cards, c.card.get(i), false),
                    _ => {}
                }
            }
            _ => {
                let c = ComplaintColumns::bind(batch);
                match c.kind.get(i) {
                    Some("not_mine") => {
                        put(&mut out.cards, c.card.get(i), true);
                        put(&mut out.persons, c.subject.get(i), true);
                    }
                    Some("data_misused") => put(&mut out.persons, c.subject.get(i), true),
                    _ => {}
                }
            }
        })?;
        Ok(out)
    }

    fn of(&self, ids: &BTreeSet<&str>) -> Known {
        let found: Vec<bool> =
            ids.iter().filter_map(|i| self.cards.get(*i).or_else(|| self.persons.get(*i))).copied().collect();
        match (found.is_empty(), found.contains(&true)) {
            (true, _) => Known::Nothing,
            (_, true) => Known::Bad,
            _ => Known::Good,
        }
    }

    fn base(&self) -> Option<f64> {
        let bad = self.cards.values().filter(|b| **b).count();
        (!self.cards.is_empty()).then(|| bad as f64 / self.cards.len() as f64)
    }
}

/// The time of the first and of the last row that the rules read.
fn span(source: &dyn RowSource, rules: &RuleSet) -> Result<(i64, i64), DetectError> {
    let wants: Vec<Want> = crate::run::kinds_read(rules).into_iter().map(|k| Want::only(k, &[])).collect();
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    let mut stream = source.scan(&wants)?;
    while let Some(run) = stream.next_run()? {
        let key = KeyColumns::bind(&run.batch);
        first = first.min(key.ts(run.rows.start));
        last = last.max(key.ts(run.rows.end - 1));
    }
    Ok(if first > last { (0, 0) } else { (first, last) })
}

/// The cards and persons of the alerts' rows.
fn named(source: &dyn RowSource, told: &[Alert]) -> Result<BTreeMap<String, Vec<String>>, DetectError> {
    let mut out: BTreeMap<String, Vec<String>> =
        told.iter().flat_map(|a| &a.rows).map(|r| (r.to_string(), Vec::new())).collect();
    let times: BTreeSet<i64> = told.iter().flat_map(|a| &a.rows).map(|r| r.ts).collect();
    let mut kinds: Vec<Kind> = told.iter().flat_map(|a| &a.rows).map(|r| r.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut binder = Binder::default();
    let slots: Vec<(Kind, Vec<_>)> = kinds
        .iter()
        .map(|k| {
            let names = ["card", "subject", "victim"].into_iter().filter(|n| field::column(*k, n).is_some());
            (*k, names.filter_map(|n| binder.find(*k, n)).collect())
        })
        .collect();
    let wants: Vec<Want> = kinds.iter().map(|k| Want::only(*k, binder.columns(*k))).collect();
    if wants.is_empty() {
        return Ok(out);
    }
    let mut stream = source.scan(&wants)?;
    while let Some(run) = stream.next_run()? {
        let key = KeyColumns::bind(&run.batch);
        let view = View::new(run.kind, run.batch.clone(), &binder, 0);
        for i in run.rows {
            if !times.contains(&key.ts(i)) {
                continue;
            }
            if let Some(ids) = out.get_mut(&key.row(run.kind, i).to_string()) {
                let row = view.row(i);
                let list = slots.iter().find(|s| s.0 == run.kind).map_or(&[][..], |s| s.1.as_slice());
                ids.extend(list.iter().filter_map(|s| row.text(*s)).map(str::to_owned));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_interval_is_wilsons() {
        let (p, low, high) = super::wilson(8, 10);
        assert!((p - 0.8).abs() < 1e-9 && (low - 0.4902).abs() < 1e-3 && (high - 0.9433).abs() < 1e-3);
        assert_eq!(super::wilson(0, 5).1, 0.0);
    }
}
