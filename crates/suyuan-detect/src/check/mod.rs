//! Other explanations, each looked for in the records.
//!
//! A check is one file and one line in [`ALL`]. It sees every evidence row of a finding and every row of the kinds
//! it reads, over the whole time, later rows too; then it says whether the records support the innocent
//! explanation, speak against it, or hold nothing that would decide it.

mod answered;
mod at_its_address;
mod at_the_counter;
mod attended;
mod busy_outlet;
mod busy_season;
mod came_home;
mod card_sold_as;
mod colleagues_too;
mod common_destination;
mod exposure;
mod filler_contact;
mod group_contract;
mod guardian;
mod handover;
mod kiosk;
mod late_order;
mod late_terminal;
mod late_transfer;
mod legal_desk;
mod long_known;
mod look_up_exposure;
mod machine_plan;
mod new_phone;
mod on_duty;
mod one_agent;
mod outlet_network;
mod own_device;
mod own_phones;
mod paid_elsewhere;
mod permit;
mod queue;
mod reader_down;
mod routine;
mod same_handset;
mod shared_exit;
mod signed_off;
mod term_start;
mod trade_at_that_hour;
mod twins;
mod used_locally;

use std::collections::BTreeMap;

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use crate::derive::{ParamDef, Params};
use crate::hash::Key;
use crate::registry::Registry;
use crate::view::{Binder, Row};

/// In the order of the manual.
pub(crate) static ALL: &[&Spec] = &[
    &late_terminal::SPEC,
    &handover::SPEC,
    &outlet_network::SPEC,
    &shared_exit::SPEC,
    &long_known::SPEC,
    &permit::SPEC,
    &late_transfer::SPEC,
    &group_contract::SPEC,
    &busy_outlet::SPEC,
    &queue::SPEC,
    &late_order::SPEC,
    &routine::SPEC,
    &signed_off::SPEC,
    &exposure::SPEC,
    &own_device::SPEC,
    &answered::SPEC,
    &machine_plan::SPEC,
    &reader_down::SPEC,
    &twins::SPEC,
    &guardian::SPEC,
    &card_sold_as::SPEC,
    &trade_at_that_hour::SPEC,
    &kiosk::SPEC,
    &term_start::SPEC,
    &new_phone::SPEC,
    &attended::SPEC,
    &on_duty::SPEC,
    &one_agent::SPEC,
    &came_home::SPEC,
    &same_handset::SPEC,
    &legal_desk::SPEC,
    &used_locally::SPEC,
    &paid_elsewhere::SPEC,
    &look_up_exposure::SPEC,
    &filler_contact::SPEC,
    &own_phones::SPEC,
    &at_the_counter::SPEC,
    &at_its_address::SPEC,
    &busy_season::SPEC,
    &common_destination::SPEC,
    &colleagues_too::SPEC,
];

/// What a check is.
pub(crate) struct Spec {
    pub name: &'static str,
    /// The explanation, both languages.
    pub what: (&'static str, &'static str),
    /// The kinds it reads beside the evidence.
    pub reads: &'static [Kind],
    pub params: &'static [ParamDef],
    pub build: fn(&Params, &mut Binder) -> Box<dyn Check>,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The finding that is asked about.
pub(crate) struct About<'a> {
    pub entity: &'a str,
    pub first: i64,
    pub last: i64,
}

/// Contract: rows come in the total order; an evidence row comes to `evidence` before it comes to `other`.
pub(crate) trait Check: Send {
    /// An evidence row of a finding.
    fn evidence(&mut self, finding: usize, row: &Row<'_>, refs: &Registry);
    /// A row of the kinds read.
    fn other(&mut self, row: &Row<'_>, refs: &Registry);
    /// How many of the finding's rows it explains, where it can tell row by row.
    fn explained(&self, _: usize) -> u64 {
        0
    }
    /// The identities of the finding's rows that it explains each by itself, where it can tell: of a finding that stands all the
    /// same they are no evidence.
    fn rows_explained(&self, _: usize) -> Vec<Key> {
        Vec::new()
    }
    /// Whether all rules that ask it with the same parameters may share it: not if what it keeps of a card begins with the
    /// first evidence row about it, of whichever finding.
    fn shared(&self) -> bool {
        true
    }
    /// What the records say.
    fn outcome(&self, finding: usize, about: &About<'_>) -> (Outcome, Text);
}

/// How many of a finding's rows an explanation covers.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<usize, (u64, u64)>);

impl Tally {
    /// Counts a row that could be explained.
    pub fn row(&mut self, finding: usize, explained: bool) {
        let t = self.0.entry(finding).or_default();
        t.0 += u64::from(explained);
        t.1 += 1;
    }
    /// A row counted before turns out to be explained.
    pub fn explain(&mut self, finding: usize) {
        self.0.entry(finding).or_default().0 += 1;
    }
    pub fn get(&self, finding: usize) -> (u64, u64) {
        self.0.get(&finding).copied().unwrap_or_default()
    }
    /// Supported when nine of ten rows are explained, excluded when fewer than half are; between them the
    /// records do not decide. `rows` says what is counted, `how` what explains it.
    pub fn outcome(&self, finding: usize, rows: (&str, &str), how: (&str, &str)) -> (Outcome, Text) {
        let (k, n) = self.get(finding);
        if n == 0 {
            let text = Text::new(format!("no {} to look at", rows.0), "没有可核查的记录");
            return (Outcome::NotCheckable, text);
        }
        let text =
            Text::new(format!("{k} of {n} {} {}", rows.0, how.0), format!("{n}{}中{k}{}", rows.1, how.1));
        (share(k, n), text)
    }
}

/// `k` of `n` against the rest of all: both shares in percent, and whether the own one is `times` the others' (then
/// exposure does not explain it). `None` where there is nobody else.
pub(crate) fn against_rest((k, n): (u64, u64), all: (u64, u64), times: f64) -> Option<(f64, f64, Outcome)> {
    if n == 0 || all.1 <= n {
        return None;
    }
    let own = k as f64 / n as f64;
    let rate = ((all.0 - k) as f64).max(0.5) / (all.1 - n) as f64;
    let outcome = if own >= times * rate { Outcome::Excluded } else { Outcome::Supported };
    Some((own * 100.0, rate * 100.0, outcome))
}

pub(crate) fn share(k: u64, n: u64) -> Outcome {
    match () {
        () if k * 10 >= n * 9 => Outcome::Supported,
        () if k * 2 < n => Outcome::Excluded,
        () => Outcome::NotCheckable,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_is_registered() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/check");
        let files = std::fs::read_dir(dir).unwrap().count();
        assert_eq!(files, super::ALL.len() + 1, "a check's file is not in the list");
    }
}
