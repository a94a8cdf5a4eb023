//! A score of card use where nobody has told which cards were bad.
//!
//! Each [`Signal`] is a ratio of two quantities of a card's use, with the direction in which use for fraud
//! departs from a person's use: many strangers for each contact, calls and messages that go one way, no
//! one who is called often, many devices, days that hold most of the use. A signal's *surprise* is `-ln` of
//! the share of baseline cards at least as odd; the score is the sum of surprises (Fisher's method, 1925).
//! Under chance and independence each adds 1 on average; a card whose quantity is not known counts exactly 1
//! there, so silence neither accuses nor clears. Signals hang together, so the sum is not read from
//! tables but again from the baseline: "1 in 300 cards like yours".
//!
//! Invariants: a score depends on the baseline and the card alone, never on who else is scored; it never
//! falls when a card becomes odder in one signal.
//! Blind to: fraud that keeps one device, calls few people often and answers; honest callers by profession
//! (couriers, sales) look alike. It ranks cards for review; it names nobody.
//!
//! What was tried on real numbers and left out, since it ranked no better where outcomes are known: neighbours' means on the
//! call graph, a mixture fitted by expectation maximisation, self-training on the extremes.

use serde::{Deserialize, Serialize};
use suyuan_model::outcome::Text;

use crate::error::ScoreError;
use crate::table::Table;

/// A quantity of use in which fraud departs from a person's use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Its name as a column.
    pub name: String,
    /// What it says, as in "many strangers for each contact".
    pub what: Text,
    /// Column above the line.
    pub above: String,
    /// Column below the line; one is added to it, so that a single call proves little.
    pub below: Option<String>,
    /// Whether more is odder.
    pub more: bool,
}

impl Signal {
    /// Reads `NAME=ABOVE`, `NAME=ABOVE/BELOW`, or with a minus before `ABOVE` where less is odder.
    pub fn parse(text: &str) -> Result<Signal, ScoreError> {
        let wrong = || ScoreError::Signal { text: text.to_owned() };
        let (name, ratio) = text.split_once('=').ok_or_else(wrong)?;
        let (more, ratio) = match ratio.strip_prefix('-') {
            Some(rest) => (false, rest),
            None => (true, ratio),
        };
        let (above, below) = match ratio.split_once('/') {
            Some((a, b)) => (a.trim(), Some(b.trim())),
            None => (ratio.trim(), None),
        };
        let name = name.trim();
        if name.is_empty() || above.is_empty() || below.is_some_and(str::is_empty) {
            return Err(wrong());
        }
        Ok(Signal {
            name: name.to_owned(),
            what: Text::new(name, name),
            above: above.to_owned(),
            below: below.map(str::to_owned),
            more,
        })
    }
}

/// The signals of a table that adds up the record kind `usage` by card: `calls_out`, `calls_in`, `calls`
/// (both), `calls_short`, `peers`, `peers_new`, `sms_out`, `sms` (both), `otp_senders`, `devices` (distinct IMEIs), and
/// `calls_top_day` (calls of the busiest day).
pub fn of_usage() -> Vec<Signal> {
    let signal = |en: &str, zh: &str, above: &str, below: Option<&str>| Signal {
        name: below.map_or(above.to_owned(), |b| format!("{above}/{b}")),
        what: Text::new(en, zh),
        above: above.to_owned(),
        below: below.map(str::to_owned),
        more: true,
    };
    vec![
        signal("many strangers for each call", "通话对象多为生人", "peers", Some("calls")),
        signal("calls go out, few come in", "多为主叫，少有来电", "calls_out", Some("calls")),
        signal("messages go out, few come in", "短信多发少收", "sms_out", Some("sms")),
        signal("many calls of a few seconds", "短呼多", "calls_short", Some("calls")),
        signal(
            "peers are new cards: a closed circle",
            "对端多为新开卡（封闭圈）",
            "peers_new",
            Some("peers"),
        ),
        signal("one-time codes from many senders", "验证码来源多", "otp_senders", None),
        signal("many devices", "换用设备多", "devices", None),
        signal("most calls on one day", "通话集中于一天", "calls_top_day", Some("calls")),
    ]
}

/// What cards of a baseline look like; frozen, so that scores of different days compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    pub(crate) signals: Vec<Signal>,
    /// Oddness of the baseline's cards by signal, ascending.
    pub(crate) values: Vec<Vec<f64>>,
    /// Their scores, ascending.
    pub(crate) scores: Vec<f64>,
}

/// How odd a card's use is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Odd {
    /// Sum of surprises, nats.
    pub score: f64,
    /// Share of baseline cards with at least that score.
    pub share: f64,
    /// Surprise of each signal, in their order.
    pub surprises: Vec<f64>,
}

impl Baseline {
    /// Learns from cards; none of them need be known to be good.
    pub fn of(table: &Table, signals: &[Signal]) -> Result<Baseline, ScoreError> {
        let mut values = oddness(table, signals)?;
        let mut base = Baseline { signals: signals.to_vec(), values: Vec::new(), scores: Vec::new() };
        for v in &mut values {
            v.retain(|x| !x.is_nan());
            v.sort_by(f64::total_cmp);
        }
        base.values = values;
        base.scores = base.score(table)?.iter().map(|o| o.score).collect();
        base.scores.sort_by(f64::total_cmp);
        Ok(base)
    }

    /// Scores cards.
    pub fn score(&self, table: &Table) -> Result<Vec<Odd>, ScoreError> {
        let odd = oddness(table, &self.signals)?;
        let one = |row: usize| {
            let surprises: Vec<f64> =
                odd.iter().zip(&self.values).map(|(v, base)| surprise(v[row], base)).collect();
            let score = surprises.iter().sum();
            let below = self.scores.partition_point(|s| *s < score);
            let share = (self.scores.len() - below + 1) as f64 / (self.scores.len() + 1) as f64;
            Odd { score, share, surprises }
        };
        Ok((0..table.rows()).map(one).collect())
    }
}

/// `-ln` of the share of baseline cards at least as odd, ties counting half; 1 where nothing is known.
fn surprise(v: f64, base: &[f64]) -> f64 {
    if v.is_nan() || base.is_empty() {
        return 1.0;
    }
    let less = base.partition_point(|b| *b < v);
    let same = base[less..].partition_point(|b| *b <= v);
    let above = (base.len() - less) as f64 - same as f64 / 2.0;
    // A card beyond the whole baseline is as rare as half a card of it.
    -(above.max(0.5) / base.len() as f64).ln()
}

/// Each signal of each card, turned so that more is odder.
pub(crate) fn oddness(table: &Table, signals: &[Signal]) -> Result<Vec<Vec<f64>>, ScoreError> {
    let column = |name: &String| {
        table.names.iter().position(|n| n == name).map(|i| &table.columns[i]).ok_or_else(|| {
            ScoreError::NoColumn {
                file: "the table".to_owned(),
                column: name.clone(),
                there: table.names.join(", "),
            }
        })
    };
    let of = |s: &Signal| {
        let sign = if s.more { 1.0 } else { -1.0 };
        let below = s.below.as_ref().map(column).transpose()?;
        let ratio = |(i, a): (usize, &f64)| sign * below.map_or(*a, |b| a / (b[i] + 1.0));
        Ok(column(&s.above)?.iter().enumerate().map(ratio).collect())
    };
    signals.iter().map(of).collect()
}
