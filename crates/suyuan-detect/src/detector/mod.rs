//! Measures that no window of rows expresses: baselines against peers, habits, the use of cards.
//!
//! A detector is one file and one line in [`ALL`]; a rule file asks for it under `suyuan: detector:` and carries its
//! parameters, words, examples and checks like any other rule. The rule's detections select the rows that it sees, in the
//! total order; it speaks only when a day (of China's civil time) is over, so that live and history say the same.

mod card_groups;
mod changed_hands;
mod co_moving;
mod device_pool;
pub(crate) mod learnt_score;
mod staff_peers;
mod unusual_cards;

use suyuan_model::Kind;
use suyuan_model::outcome::{BaseRate, Contribution, Entity, Level};

use crate::derive::{ParamDef, Params};
use crate::registry::Registry;
use crate::state::Saved;
use crate::view::{Binder, Cite, Row};

/// In the order of the manual.
pub(crate) static ALL: &[&Spec] = &[
    &device_pool::SPEC,
    &card_groups::SPEC,
    &unusual_cards::SPEC,
    &co_moving::SPEC,
    &learnt_score::SPEC,
    &staff_peers::SPEC,
    &changed_hands::SPEC,
];

/// What a detector is.
pub(crate) struct Spec {
    pub name: &'static str,
    /// In words, both languages.
    pub what: (&'static str, &'static str),
    /// The kinds that the rule's detections may select.
    pub on: &'static [Kind],
    pub params: &'static [ParamDef],
    /// The parameters that rules must have in common, beside their detections, to share one detector; `None` where each has
    /// its own.
    pub shared: Option<&'static [&'static str]>,
    /// Makes it for the rules that share it, by their parameters.
    pub build: fn(&[&Params], &mut Binder) -> Box<dyn Detector>,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A detector with its parameters, as a rule asks for it.
#[derive(Clone, Debug)]
pub(crate) struct DetectorUse {
    pub spec: &'static Spec,
    pub params: Params,
}

impl DetectorUse {
    /// Whether the two may share one detector, if they look at the same rows.
    pub fn shares(&self, other: &DetectorUse) -> bool {
        let same = |p: &&str| self.params.get(p) == other.params.get(p);
        self.spec.name == other.spec.name && self.spec.shared.is_some_and(|list| list.iter().all(same))
    }
}

/// Something that held at the end of a day.
pub(crate) struct Raised {
    /// Which of the rules that share the detector says so.
    pub rule: usize,
    /// The id of whom or what it is about; its kind is that of the rule's `entity`.
    pub entity: String,
    /// The rows that made it, at least one.
    pub rows: Vec<Cite>,
    /// Values against thresholds, with their shares in the score (nats). The first is the headline.
    pub contributions: Vec<Contribution>,
    /// Others involved beyond those that the rule's `involved` fields name in the rows.
    pub involved: Vec<Entity>,
    /// How often this happens among comparable things, where the detector knows better than a count of entities.
    pub base_rate: Option<BaseRate>,
    /// Where it deserves less than the rule's level.
    pub at_most: Option<Level>,
}

/// Contract: the same rows in the same order give the same answers, wherever days and snapshots cut them.
pub(crate) trait Detector: Saved + Send {
    /// A row that the rule's detection of that index matched.
    fn row(&mut self, detection: usize, row: &Row<'_>, cite: Cite, refs: &Registry);
    /// Reads what such a row will ask for, so that it lies near when the row comes; the number says nothing.
    fn touch(&self, _: &Row<'_>) -> i64 {
        0
    }
    /// The day is over: every row of it has been seen. Days without rows are skipped.
    fn day_end(&mut self, day: i64, refs: &Registry, out: &mut Vec<Raised>);
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_is_registered() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/detector");
        let files = std::fs::read_dir(dir).unwrap().count();
        assert_eq!(files, super::ALL.len() + 1, "a detector's file is not in the list");
    }
}
