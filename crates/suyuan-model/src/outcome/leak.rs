//! What a source is told with beside its probability: whom it harmed, who worked beside it, the limits of its window,
//! canaries; and what no source explains.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counter, Entity, Evidence, Question, Text};
use crate::{RowRef, time};

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// How many.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
}

impl Part {
    /// As a share; 0 of nothing.
    pub fn share(self) -> f64 {
        self.hits as f64 / self.of.max(1) as f64
    }
}

/// Something harmed after it passed through a source, and how far the source accounts for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Harm {
    /// The person, or the card.
    pub thing: Entity,
    /// The source's responsibility: the probability that the harm came through it and not by chance or through another
    /// source, given that it is a source at all.
    pub share: f64,
    /// When the harm was done: the loss, the opening in the person's name, or the report of the card.
    #[serde(with = "time::as_text")]
    #[schemars(with = "String")]
    pub at: i64,
    /// The last time it passed through the source before that, inside the window where it did so there.
    pub touch: RowRef,
}

/// What a source touched while it leaked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inside {
    /// Things touched in the window, once a thing and week, less where an order explains the touch; rounded.
    pub touched: u64,
    /// Of these, harmed afterwards.
    pub harmed: u64,
    /// How many would be harmed afterwards at the base rate.
    pub expected: f64,
    /// Leak rate: the share of what was touched that was harmed through the source, expected.
    pub rate: f64,
}

/// An account that looked at the same records as a source while it leaked, and hardly at other times. Same
/// records, which proves no leak; which of the two led is not known. No harm is used to find it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Partner {
    /// The account.
    pub entity: Entity,
    /// Look-ups of the source inside its window (one a person and day) that it repeated within a day.
    pub inside: Part,
    /// The same outside the window.
    pub outside: Part,
    /// Natural log of the chance of as many under its share outside, times the accounts compared.
    pub log_chance: f64,
    /// What else could explain it.
    pub counter: Vec<Counter>,
    /// Its rows that repeat the source's inside the window.
    pub evidence: Evidence,
}

/// Limits between which an end of a window lies with 90 %. A limit at the border of the records is none: how
/// much further it reached, the records cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndLimits {
    /// Not before; absent at the border of the records.
    #[serde(with = "time::as_text_or_none")]
    #[schemars(with = "Option<String>")]
    pub earliest: Option<i64>,
    /// Not after; absent at the border of the records.
    #[serde(with = "time::as_text_or_none")]
    #[schemars(with = "Option<String>")]
    pub latest: Option<i64>,
}

/// 90 % limits of both ends of a window, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowLimits {
    /// Of its start.
    pub start: EndLimits,
    /// Of its end.
    pub end: EndLimits,
}

impl WindowLimits {
    /// In words; an end at the border of the records is said to be there.
    pub fn text(&self) -> Text {
        let day = |ts: i64| time::format_china(ts).chars().take(10).collect::<String>();
        let one = |l: &EndLimits, (en, zh): (&str, &str)| match (l.earliest.map(day), l.latest.map(day)) {
            (Some(a), Some(b)) => (format!("{en} between {a} and {b}"), format!("{zh}于{a}至{b}之间")),
            (None, Some(b)) => (
                format!("{en} by {b}, how much earlier is not known (at the border of the records)"),
                format!("{zh}不晚于{b}，更早到何时不明（已达记录边界）"),
            ),
            (Some(a), None) => (
                format!("{en} not before {a}, how much later is not known (at the border of the records)"),
                format!("{zh}不早于{a}，更晚到何时不明（已达记录边界）"),
            ),
            (None, None) => (
                format!("when it {en} is not known (at the border of the records)"),
                format!("何时{zh}不明（已达记录边界）"),
            ),
        };
        let (start, end) = (one(&self.start, ("began", "开始")), one(&self.end, ("ended", "结束")));
        Text::new(format!("90 %: {}; {}", start.0, end.0), format!("90 %：{}；{}", start.1, end.1))
    }
}

/// How much of a source's evidence comes from canaries: identities that the holder of the data planted, which
/// nobody has an honest reason to use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryShare {
    /// Misused canaries that it touched before their misuse.
    pub touched: u64,
    /// Other accounts that touched any of these before its misuse.
    pub others: u64,
    /// Natural log of the factor that they give: with them less without them.
    pub nats: f64,
}

/// How much of a question's harm no recorded account explains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outside {
    /// The question.
    pub question: Question,
    /// Harmed things in all.
    pub harmed: u64,
    /// Of these, how many no recorded account touched before their harm.
    pub untouched: u64,
    /// Expected number that came by no recorded account's leak: the sum of what the responsibilities leave.
    pub expected: f64,
    /// With 90 %, at least so many.
    pub low: f64,
    /// With 90 %, at most so many.
    pub high: f64,
}

impl Outside {
    /// In words, for a reader.
    pub fn text(&self) -> Text {
        let (en, zh) = match self.question {
            Question::CardOpening => ("fraud cards, by no account found", "涉诈卡：不经由任何已发现的来源"),
            Question::HolderIdentity => (
                "impersonated persons' identities, by no recorded account",
                "被冒名者身份信息：不经由任何有记录的工号",
            ),
            Question::VictimData => {
                ("victims' data, by no recorded account", "被害人信息：不经由任何有记录的工号")
            }
        };
        let none = self.untouched;
        Text::new(
            format!(
                "of {} {en}: {:.1} expected, between {:.0} and {:.0} with 90 %; {none} of them touched by no recorded \
                 account before their harm",
                self.harmed, self.expected, self.low, self.high
            ),
            format!(
                "{zh}：{} 中预期 {:.1}，90 % 区间 {:.0} 至 {:.0}；其中 {none} 个在受害前无任何有记录的工号接触过",
                self.harmed, self.expected, self.low, self.high
            ),
        )
    }
}

/// What the method found where there is nothing: harm dealt out anew among things of the same stratum and month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decoy {
    /// The question asked again.
    pub question: Question,
    /// Which run, from 1; it is also the seed.
    pub run: u64,
    /// Things that were marked as harmed.
    pub harmed: u64,
    /// Accounts put on the list.
    pub listed: u64,
    /// Highest probability given to an account.
    pub probability: f64,
    /// Largest e-value of an account, as natural log.
    pub log_e_value: f64,
}

impl Decoy {
    /// In words, a line for each question that was asked again.
    pub fn text(runs: &[Decoy]) -> Vec<Text> {
        let mut out = Vec::new();
        for question in [Question::CardOpening, Question::HolderIdentity, Question::VictimData] {
            let of: Vec<&Decoy> = runs.iter().filter(|d| d.question == question).collect();
            if of.is_empty() {
                continue;
            }
            let (en, zh) = match question {
                Question::CardOpening => ("fraud cards", "涉诈卡"),
                Question::HolderIdentity => ("impersonated persons", "被冒名者"),
                Question::VictimData => ("victims", "被害人"),
            };
            let runs = of.len();
            let listed: u64 = of.iter().map(|d| d.listed).sum();
            let with = of.iter().filter(|d| d.listed > 0).count();
            let most = of.iter().map(|d| d.probability).fold(0.0, f64::max);
            let e =
                of.iter().map(|d| d.log_e_value).fold(f64::NEG_INFINITY, f64::max) / std::f64::consts::LN_10;
            out.push(Text::new(
                format!(
                    "self-test, {en} dealt out anew {runs} times: {listed} accounts listed (in {with} of the runs), \
                     highest probability {most:.3}, largest e-value 1e{e:.1}"
                ),
                format!(
                    "自检，{zh}标记打乱 {runs} 次：列入名单 {listed} 个（{with} 次中出现），最高概率 {most:.3}，最大 e 值 1e{e:.1}"
                ),
            ));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_at_the_border_is_no_limit() {
        let at = |t: &str| time::parse(t);
        let start = EndLimits { earliest: at("2020-03-30T16:00:00Z"), latest: at("2020-04-09T20:00:00Z") };
        let both = WindowLimits { start, end: EndLimits { latest: None, ..start } };
        assert_eq!(
            both.text().en,
            "90 %: began between 2020-03-31 and 2020-04-10; ended not before 2020-03-31, how much later is not known \
             (at the border of the records)"
        );
        let none = WindowLimits { start: EndLimits::default(), end: start };
        assert_eq!(none.text().zh, "90 %：何时开始不明（已达记录边界）；结束于2020-03-31至2020-04-10之间");
    }
}
