//! Sequences that have begun: most rows that could go on with one meet none, and need not reach their rule.

use super::ahead::Rows;
use crate::hash::Key;
use crate::plan::{Plan, Reads};
use crate::rule::Measure;

/// Words of the bits by which the keys of sequences that rows begin are known: keys that share a bit are looked for in vain.
const BEGUN: usize = 64;

/// Leaves out rows that could only go on with a sequence that has not begun and that none of these rows begins: nearly all, where
/// few begin one.
pub(super) fn leave_out(plan: &Plan<'_>, rows: Rows<'_>, matched: &mut Vec<(u32, usize)>) {
    let [windows] = plan.windows.as_slice() else { return };
    if !matches!(plan.correlation.measure, Measure::TemporalOrdered | Measure::Sequence) {
        return;
    }
    // Of each detection, whether it begins sequences, and its keys in each view; those of several routes are not looked at.
    let step = |(at, reads): (usize, &Reads)| {
        let [route] = reads.routes.as_slice() else { return None };
        let keys = rows.keys(plan.rule.detections[at].kind, route.columns?);
        Some((route.step == 0, keys))
    };
    let steps: Vec<_> = plan.reads.iter().enumerate().map(step).collect();
    if steps.iter().any(Option::is_none) {
        return;
    }
    let step = |(n, detection): (u32, usize)| {
        let (view, i) = rows.at[n as usize];
        let (begins, keys) = steps[detection].as_ref()?;
        Some((*begins, keys[view as usize].get(i as usize)?))
    };
    let bit = |key: &Key| (key.0 as usize / 64 % BEGUN, 1 << (key.0 as u64 % 64));
    let mut begun = [0u64; BEGUN];
    for (begins, key) in matched.iter().filter_map(|m| step(*m)) {
        let (word, bit) = bit(key);
        begun[word] |= if begins { bit } else { 0 };
    }
    let mut kept = 0;
    for at in 0..matched.len() {
        let same = |other: usize| matched.get(other).is_some_and(|m| m.0 == matched[at].0);
        let goes_on = step(matched[at]).is_none_or(|(begins, key)| {
            let (word, bit) = bit(key);
            begins || begun[word] & bit != 0 || windows.holds(key)
        });
        let keep = goes_on || same(at.wrapping_sub(1)) || same(at + 1);
        matched[kept] = matched[at];
        kept += usize::from(keep);
    }
    matched.truncate(kept);
}
