//! Where rings begin: columns `(account, device)` whose openings carry marks of several families, and
//! how they hang together.

use std::collections::{BTreeMap, BTreeSet};

use super::marks::{CONDUCT, FAMILIES, Mark, Marker, Marks, OUTCOME};
use crate::attribute::logistic;
use crate::facts::Facts;
use crate::intern::{Id, NONE};

/// An account on one device.
pub type Column = (Id, Id);

/// What a column's openings show.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Indices of its openings, in order.
    pub openings: Vec<usize>,
    /// Openings that show each family, in the order of [`FAMILIES`].
    pub families: [usize; FAMILIES.len()],
    /// Openings with two families of conduct or more.
    pub broad: usize,
    /// Openings with any hard mark of conduct.
    pub odd: usize,
}

impl Sheet {
    fn add(&mut self, index: usize, m: Marks) {
        self.openings.push(index);
        let bits = m.families();
        for (b, n) in self.families.iter_mut().enumerate() {
            *n += usize::from(bits >> b & 1 == 1);
        }
        self.broad += usize::from(m.conduct() >= 2);
        self.odd += usize::from(m.conduct() >= 1);
    }
    /// Share of its openings with two families of conduct.
    pub fn share(&self) -> f64 {
        self.broad as f64 / self.openings.len().max(1) as f64
    }
}

/// Fewer openings on a column are no pattern.
pub const PATTERN: usize = 5;
/// Share of a column's openings that, showing marks, is a pattern whatever others do.
const MOST: f64 = 0.5;
/// Among honest openings of the same counter a pattern needs this many marked openings ...
const AMONG_HONEST: usize = 20;
/// ... this share of them ...
const AMONG_SHARE: f64 = 0.1;
/// ... and this many nats over the rate of all columns.
const AMONG_NATS: f64 = 30.0;
/// Rates lower than this are not trusted.
const RATE_FLOOR: f64 = 0.003;

/// Whether `k` of `n` openings are a pattern against a common rate.
fn pattern(k: usize, n: usize, rate: f64) -> bool {
    if n < PATTERN {
        return false;
    }
    if k as f64 >= MOST * n as f64 {
        return true;
    }
    let (k_, e) = (k as f64, n as f64 * rate.max(RATE_FLOOR));
    k >= AMONG_HONEST && k_ >= AMONG_SHARE * n as f64 && k_ > e && k_ * (k_ / e).ln() - (k_ - e) >= AMONG_NATS
}

/// Rates over all columns: marked with two families, marked at all, and each family.
struct Rates {
    broad: f64,
    odd: f64,
    family: [f64; FAMILIES.len()],
}

impl Rates {
    /// The median column's rate would be nought; the mean of those that are no pattern by themselves.
    fn of(sheets: &BTreeMap<Column, Sheet>) -> Rates {
        let honest = sheets.values().filter(|s| (s.broad as f64) < MOST * s.openings.len() as f64);
        let (mut n, mut broad, mut odd, mut family) = (0.0, 0.0, 0.0, [0.0; FAMILIES.len()]);
        for s in honest {
            n += s.openings.len() as f64;
            broad += s.broad as f64;
            odd += s.odd as f64;
            for (x, k) in family.iter_mut().zip(&s.families) {
                *x += *k as f64;
            }
        }
        let n: f64 = f64::max(n, 1.0);
        Rates { broad: broad / n, odd: odd / n, family: family.map(|x| x / n) }
    }
}

/// The openings by account and device.
pub fn sheets(
    f: &Facts,
    marks: impl Fn(usize) -> Marks,
    only: Option<&BTreeSet<Id>>,
) -> BTreeMap<Column, Sheet> {
    let mut out: BTreeMap<Column, Sheet> = BTreeMap::new();
    for (i, o) in f.openings.iter().enumerate() {
        if only.is_none_or(|a| a.contains(&o.account)) {
            out.entry((o.account, o.device)).or_default().add(i, marks(i));
        }
    }
    out
}

/// Accounts worth a closer look: with an odd column.
pub fn suspects(sheets: &BTreeMap<Column, Sheet>) -> BTreeSet<Id> {
    let rates = Rates::of(sheets);
    let odd = |s: &Sheet| {
        let n = s.openings.len();
        (n >= 3 && s.odd as f64 >= MOST * n as f64) || pattern(s.odd, n, rates.odd)
    };
    sheets.iter().filter(|(_, s)| odd(s)).map(|(c, _)| c.0).collect()
}

/// A group of columns that hang together.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Columns, in order.
    pub columns: BTreeSet<Column>,
    /// Collectors who captured the persons of these columns.
    pub collectors: BTreeSet<Id>,
}

/// Columns whose openings carry the signal, joined by account, device and collector.
pub fn groups(
    f: &Facts,
    marker: &Marker,
    base: &BTreeMap<Column, Sheet>,
    sheets: &BTreeMap<Column, Sheet>,
) -> Vec<Group> {
    let rates = Rates::of(base);
    let strong = |s: &Sheet| pattern(s.broad, s.openings.len(), rates.broad);
    let mut columns: BTreeSet<Column> = sheets.iter().filter(|(_, s)| strong(s)).map(|(c, _)| *c).collect();
    let accounts: BTreeSet<Id> = columns.iter().map(|c| c.0).collect();
    // The same account's other unlisted devices, though seldom used, with the same marks.
    columns.extend(
        sheets
            .iter()
            .filter(|((a, d), s)| {
                accounts.contains(a) && *d != NONE && !f.terminals.contains_key(d) && s.share() >= 0.99
            })
            .map(|(c, _)| *c),
    );
    let mut collectors: BTreeMap<Column, BTreeSet<Id>> = BTreeMap::new();
    for c in &columns {
        collectors.insert(*c, collectors_of(f, marker, &sheets[c]));
    }
    join(&columns, &collectors)
}

/// Collectors who captured a fifth of a column's persons beforehand.
fn collectors_of(f: &Facts, marker: &Marker, sheet: &Sheet) -> BTreeSet<Id> {
    let mut count: BTreeMap<Id, BTreeSet<usize>> = BTreeMap::new();
    for i in &sheet.openings {
        let o = &f.openings[*i];
        for k in marker.captures(f, o) {
            let c = &f.captures[k];
            if c.collector != NONE && c.collector != o.account {
                count.entry(c.collector).or_default().insert(*i);
            }
        }
    }
    let least = (sheet.openings.len() / 5).max(3);
    count.into_iter().filter(|(_, n)| n.len() >= least).map(|(c, _)| c).collect()
}

fn join(columns: &BTreeSet<Column>, collectors: &BTreeMap<Column, BTreeSet<Id>>) -> Vec<Group> {
    let mut out: Vec<Group> = Vec::new();
    for c in columns {
        let by = &collectors[c];
        let (mut mine, rest): (Vec<Group>, Vec<Group>) = out.into_iter().partition(|g| {
            g.columns.iter().any(|x| x.0 == c.0 || (x.1 == c.1 && c.1 != NONE))
                || g.collectors.iter().any(|k| by.contains(k))
        });
        let mut group = mine.pop().unwrap_or_default();
        for g in mine {
            group.columns.extend(g.columns);
            group.collectors.extend(g.collectors);
        }
        group.columns.insert(*c);
        group.collectors.extend(by.iter().copied());
        out = rest;
        out.push(group);
    }
    out.sort_by(|a, b| a.columns.cmp(&b.columns));
    out
}

/// Rings are rarer than one in this many columns before anything is seen.
const RARE: f64 = 0.05;
/// No family alone weighs more than this, nats: an honest reason nobody thought of is always left.
const FAMILY_CAP: f64 = 4.5;
/// Families read for suspects only have no base rate among the others; they weigh less.
const FAMILY_CAP_LOADED: f64 = 3.0;
/// Conduct alone, without any known harm, is never stated above this.
const WITHOUT_HARM: f64 = 0.95;

/// Probability that the conduct on a group's best column is that of a ring, from how rare each family
/// is among all columns; `base` are all columns as first read.
pub fn conduct(base: &BTreeMap<Column, Sheet>, sheets: &BTreeMap<Column, Sheet>, group: &Group) -> f64 {
    let all: Vec<(&Column, &Sheet)> = base.iter().filter(|(_, s)| s.openings.len() >= PATTERN).collect();
    let count = all.len() as f64;
    let rates = Rates::of(base);
    let mut best = f64::NEG_INFINITY;
    let mut harmed = false;
    for c in &group.columns {
        let Some(s) = sheets.get(c).filter(|s| s.openings.len() >= PATTERN) else { continue };
        let mut log = (RARE / count.max(10.0)).ln();
        for b in 0..CONDUCT {
            if !pattern(s.families[b], s.openings.len(), rates.family[b]) {
                continue;
            }
            let others = all
                .iter()
                .filter(|(k, x)| {
                    !group.columns.contains(k) && pattern(x.families[b], x.openings.len(), rates.family[b])
                })
                .count();
            let rare = ((count + 2.0) / (others as f64 + 1.0)).ln();
            log += rare.min(if matches!(b, 2 | 4) { FAMILY_CAP_LOADED } else { FAMILY_CAP });
        }
        // More openings of the same kind are more than one coincidence.
        log += (s.broad as f64 / PATTERN as f64).ln().clamp(0.0, 4.0);
        harmed |= s.families[OUTCOME] >= 2;
        best = best.max(log);
    }
    let p = logistic(best);
    if harmed { p.min(0.99) } else { p.min(WITHOUT_HARM) }
}

/// Whether the column's device is on no asset list.
pub fn unlisted(f: &Facts, column: Column) -> bool {
    column.1 != NONE && !f.terminals.is_empty() && !f.terminals.contains_key(&column.1)
}

/// Whether an opening outside the group's columns, but under its accounts, still belongs to it.
pub fn strays(m: Marks, captured_by_group: bool) -> bool {
    (m.conduct() >= 3) || (captured_by_group && m.has(Mark::Pretext) && m.conduct() >= 2)
}
