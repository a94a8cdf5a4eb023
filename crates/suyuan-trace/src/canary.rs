//! Canaries: identities that the holder of the data planted, which nobody has an honest reason to use.
//!
//! A canary is misused when a fraud report names it as its victim, when a card is opened in its name, or on the day
//! that its planter noted. Such harm hardly ever strikes by chance, so one hit weighs some ten nats where a customer's
//! weighs one or two. It says through whose hands the canary went, no more: every account that touched it is a
//! candidate, and the more of them there are, the less it says of each.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{Entity, Text};

use crate::attribute::RESTS;
use crate::facts::Facts;
use crate::intern::{Id, NONE};
use crate::question::person::Impersonated;
use crate::words::{number, text};

/// The planted identities, and when misuse was noted, where it was.
pub type Canaries = BTreeMap<Id, Option<i64>>;

/// The canaries of a list; of several dates the earliest.
pub fn known(f: &mut Facts, named: &[(String, Option<i64>)]) -> Canaries {
    let mut out = Canaries::new();
    for (token, at) in named {
        let slot = out.entry(f.names.id(Some(token))).or_insert(*at);
        *slot = slot.iter().chain(at).min().copied();
    }
    out
}

/// Any card opened in a canary's name was opened without a person.
pub fn impersonated(f: &Facts, canaries: &Canaries, harmed: &mut Impersonated) {
    for o in f.openings.iter().filter(|o| o.subject != NONE && canaries.contains_key(&o.subject)) {
        let at = harmed.entry(o.subject).or_insert((o.row.ts, o.account));
        *at = (*at).min((o.row.ts, o.account));
    }
}

/// What became of the canaries.
pub fn told(canaries: &Canaries, misused: &BTreeSet<Id>) -> Option<Text> {
    let (n, k) = (canaries.len(), canaries.keys().filter(|c| misused.contains(c)).count());
    (n > 0).then(|| {
        text(
            format!("Of {n} canaries (identities planted by the holder of the data) {k} were misused."),
            format!("预埋诱饵身份 {n} 个，其中 {k} 个被冒用或受害。"),
        )
    })
}

/// What a source that rests on canaries cannot tell.
pub fn rests(source: &Entity, touched: u64, others: u64, rest: f64) -> Option<Text> {
    (rest < RESTS).then(|| {
        let accounts = others + 1;
        text(
            format!(
                "This rests on {touched} canary identity (or identities) touched by {accounts} account(s) before the \
                 misuse, {} among them; without it the factor would be {} nats. ",
                source.id,
                number(rest)
            ),
            format!(
                "此结论主要依据 {touched} 个诱饵身份：被冒用前有 {accounts} 个工号接触过，{} 为其中之一；不计诱饵时因子为 {} \
                 奈特。",
                source.id,
                number(rest)
            ),
        )
    })
}
