//! Cards to which a score learnt from known outcomes gives a high probability, where one is laid beside the records.
//!
//! The score is made elsewhere, as of the last row that it rests on ([`suyuan_model::score::Scores`]); at the end of that day each card whose
//! outcome is not known yet and whose probability reaches `at_least` per cent is told once, with the model's hash and date, and with what
//! each column adds: with the start these sum to the log-odds. Without a score the detector says nothing.
//!
//! Evidence: the card's opening and its use, the first row and the latest ones.
//! State: forty rows of each card that may be told.
//! Blind to: what a probability is worth where other cards were looked at than those it was learnt from.

use suyuan_model::Kind;
use suyuan_model::outcome::{BaseRate, Contribution, Text};
use suyuan_model::score::{ScorePart, Scored, Scores};
use suyuan_model::time::china_day;

use super::{Detector, DetectorUse, Raised, Spec};
use crate::cards::said;
use crate::derive::{ParamDef, ParamTy, Params};
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Binder, Cite, Row, Slot};

/// Rows kept of a card.
const ROWS: usize = 40;
/// Columns that are told one by one; the others are told as one sum.
const PARTS: usize = 8;
/// Digits of the model's hash in the text.
const SHORT: usize = 16;

pub(crate) static SPEC: Spec = Spec {
    name: "learnt_score",
    what: (
        "cards to which a score learnt from known outcomes gives a high probability",
        "由已知结果学习的评分给出高概率的卡",
    ),
    on: &[Kind::Opening, Kind::Usage, Kind::FraudReport, Kind::Reverification, Kind::Complaint],
    params: &[ParamDef { name: "at_least", ty: ParamTy::Int, default: "90" }],
    shared: None,
    build: |p, b| Box::new(Learnt::new(p[0], b)),
};

/// The probability that a rule asks for, if it asks for a score.
pub(crate) fn at_least(used: &DetectorUse) -> Option<f64> {
    (used.spec.name == SPEC.name).then(|| share(&used.params))
}

fn share(p: &Params) -> f64 {
    p.int("at_least").clamp(1, 100) as f64 / 100.0
}

struct Learnt {
    at_least: f64,
    opened: Slot,
    used: Slot,
    rows: Table<Vec<Cite>>,
    told: bool,
}

saved!(Learnt, tables: [rows], cells: [told]);

impl Learnt {
    fn new(p: &Params, b: &mut Binder) -> Learnt {
        Learnt {
            at_least: share(p),
            opened: b.slot(Kind::Opening, "card"),
            used: b.slot(Kind::Usage, "card"),
            rows: Table::default(),
            told: false,
        }
    }
}

impl Detector for Learnt {
    fn row(&mut self, _: usize, row: &Row<'_>, cite: Cite, refs: &Registry) {
        let Some((scores, places)) = &refs.scores else { return };
        let card = match row.kind() {
            Kind::Opening => row.key(self.opened),
            Kind::Usage => row.key(self.used),
            _ => None,
        };
        let high = |card: &Key| places.get(card).is_some_and(|at| scores.cards[*at].p >= self.at_least);
        let Some(card) = card.filter(high) else { return };
        let rows = self.rows.of(card);
        if rows.len() == ROWS {
            rows.remove(1);
        }
        rows.push(cite);
    }

    fn day_end(&mut self, day: i64, refs: &Registry, out: &mut Vec<Raised>) {
        let Some((scores, _)) = &refs.scores else { return };
        if self.told || day < china_day(scores.at) {
            return;
        }
        self.told = true;
        for card in scores.cards.iter().filter(|c| c.p >= self.at_least) {
            if let Some(rows) = self.rows.get(&Key::of(&card.card)).filter(|r| !r.is_empty()) {
                out.push(raised(card, scores, self.at_least, rows.clone()));
            }
        }
    }
}

fn raised(card: &Scored, scores: &Scores, at_least: f64, rows: Vec<Cite>) -> Raised {
    let model: String = scores.model.chars().take(SHORT).collect();
    let (en, zh) = match &scores.dated {
        Some(day) => (
            format!("probability by model {model}, fitted on nothing after {day}"),
            format!("模型{model}给出的概率，训练数据截至{day}"),
        ),
        None => {
            (format!("probability by model {model}, not dated"), format!("模型{model}给出的概率，无截止时间"))
        }
    };
    let mut contributions =
        vec![said(en, zh, format!("{:.3}", card.p), Some(format!("≥ {at_least:.2}")), 0.0)];
    contributions.push(adds(
        Text::new("where every card starts, log-odds", "所有卡的起点（对数几率）"),
        format!("{:+.2}", card.base),
        card.base,
    ));
    contributions.extend(card.parts.iter().take(PARTS).map(|p| adds(p.what.clone(), value(p), p.nats)));
    if let Some(rest) = card.parts.get(PARTS..).filter(|rest| !rest.is_empty()) {
        let sum: f64 = rest.iter().map(|p| p.nats).sum();
        let what = Text::new(
            format!("the other {} columns together", rest.len()),
            format!("其余{}列合计", rest.len()),
        );
        contributions.push(adds(what, format!("{sum:+.2}"), sum));
    }
    let what = Text::new(
        "cards whose outcome is not known, of which so many have as high a score",
        "结果未知的卡，其中评分同样高者",
    );
    let base_rate = Some(BaseRate { hits: scores.reach(card.p), of: scores.all.len() as u64, what });
    let entity = card.card.clone();
    Raised { rule: 0, entity, rows, contributions, involved: Vec::new(), base_rate, at_most: None }
}

/// What one column adds.
fn adds(what: Text, value: String, nats: f64) -> Contribution {
    Contribution { what, value, threshold: None, nats: (nats * 1e4).round() / 1e4 }
}

fn value(p: &ScorePart) -> String {
    match p.value {
        None => "–".to_owned(),
        Some(v) if v == v.trunc() && v.abs() < 1e9 => format!("{v:.0}"),
        Some(v) => format!("{v:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suyuan_model::scan::{MemorySource, RowSource};
    use suyuan_model::{fixture, time};

    use super::*;
    use crate::rule::RuleSet;

    fn card(id: &str, p: f64) -> Scored {
        let part = |n: i32| ScorePart {
            what: Text::new(format!("column {n}"), format!("第{n}列")),
            value: (n % 2 == 0).then_some(f64::from(n) / 4.0),
            nats: 0.3 - 0.05 * f64::from(n),
        };
        let parts: Vec<ScorePart> = (0..12).map(part).collect();
        let log_odds = (p / (1.0 - p)).ln();
        let base = log_odds - parts.iter().map(|p| p.nats).sum::<f64>();
        Scored { card: id.to_owned(), p, log_odds, base, parts }
    }

    /// Two cards that were opened, and used on so many days; the score rests on the last of these.
    fn source(days: i64) -> MemorySource {
        let mut s = MemorySource::default();
        let open = |n: i64| json!({"ts": "2020-03-01T10:00:00+08:00", "seq": n, "card": format!("c{n}"), "subject": format!("p{n}"), "account": "a"});
        s.push(Kind::Opening, fixture::batch(Kind::Opening, &[open(1), open(2)]).unwrap());
        let used = |n: i64| {
            let day = time::format_day(time::parse_day("2020-03-01").unwrap() + n / 2);
            json!({"ts": format!("{day}T22:00:00+08:00"), "seq": n, "day": day, "card": format!("c{}", 1 + n % 2), "imei": "i"})
        };
        let rows: Vec<_> = (0..2 * days).map(used).collect();
        s.push(Kind::Usage, fixture::batch(Kind::Usage, &rows).unwrap());
        s
    }

    fn scores(days: i64) -> Scores {
        let at = time::parse("2020-03-01T22:00:00+08:00").unwrap() + (days - 1) * time::DAY;
        Scores {
            model: "0123456789abcdef0123".to_owned(),
            dated: Some("2020-02-29".to_owned()),
            at,
            cards: vec![card("c1", 0.97), card("c2", 0.6)],
            all: vec![0.97, 0.6, 0.01, 0.01],
        }
    }

    fn rule() -> RuleSet {
        RuleSet::embedded().unwrap().only(&["use/learnt-score"])
    }

    fn found(source: &dyn RowSource) -> Vec<suyuan_model::outcome::Finding> {
        crate::detect(source, &rule(), &mut |_| {}).unwrap()
    }

    #[test]
    fn rules_say_how_high_a_score_they_ask_for() {
        assert_eq!(rule().least_score(), Some(0.9));
        assert_eq!(RuleSet::embedded().unwrap().only(&["use/unusual-card"]).least_score(), None);
    }

    #[test]
    fn one_card_is_told_with_the_model_and_what_adds_up() {
        let mut s = source(60);
        assert!(found(&s).is_empty(), "no score, no finding");
        s.score(scores(60));
        let all = found(&s);
        let [f] = &all[..] else { panic!("{all:?}") };
        assert_eq!((f.entity.id.as_str(), f.base_rate.hits, f.base_rate.of), ("c1", 1, 4));
        let said = &f.contributions[0];
        assert_eq!((said.value.as_str(), said.threshold.as_deref()), ("0.970", Some("≥ 0.90")));
        assert!(
            said.what.en.contains("0123456789abcdef,") && said.what.zh.contains("2020-02-29"),
            "{said:?}"
        );
        let sum: f64 = f.contributions.iter().map(|c| c.nats).sum();
        assert!((sum - (0.97f64 / 0.03).ln()).abs() < 1e-3, "{sum}");
        assert_eq!((f.contributions.len(), f.evidence.rows().len()), (11, ROWS));
        assert_eq!(f.evidence.rows()[0].kind, Kind::Opening);
    }

    /// Neither a day sooner nor twice.
    #[test]
    fn it_is_told_when_the_day_of_the_score_is_over() {
        let mut s = source(20);
        s.score(scores(10));
        let all = found(&s);
        assert_eq!((all.len(), all[0].last), (1, scores(10).at));
        let mut s = source(20);
        s.score(scores(30));
        assert!(found(&s).is_empty());
    }
}
