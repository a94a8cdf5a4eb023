//! Where did persons' data leak? Columns: accounts by their look-ups; for card-holders also whoever
//! captured identities.
//!
//! One pass over the look-ups serves both questions. A look-up that a work order explains weighs
//! less. For card-holders only what came before the opening counts, and not the opening's own steps:
//! a look-up by the opening account within a day, a capture by the counter itself within half an hour.

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{Entity, EntityKind, Question};
use suyuan_model::scan::{RowSource, ScanError};
use suyuan_model::time::{DAY, HOUR};

use super::against::against;
use super::desk::{self, Desk};
use super::harms::{self, Touch};
use super::looks::Looks;
use super::{Answer, Behind, Best, WORTH, crowd, entity, merge, outside, scored, source};
use crate::attribute::{Clock, Found, Problem, Scored, Served, Settings, undated};
use crate::facts::{Bar, Facts, Row};
use crate::intern::{Id, NONE};
use crate::prints::Sieve;
use crate::tally::{Held, Tally};

/// No account is listed whose look-ups are less likely a leak's than this.
const NO_DESK: f64 = 0.9;
/// The question is asked at most so many times more for those who take reports.
const ASKED: usize = 3;

/// Persons impersonated: when, and through which account the card was opened.
pub type Impersonated = BTreeMap<Id, (i64, Id)>;

/// The look-ups and captures, counted.
pub struct Lookups {
    pub(super) tally: Tally,
    pub(super) keys: Vec<(EntityKind, Id)>,
    pub(super) columns: BTreeMap<(EntityKind, Id), u32>,
    /// The persons of interest by their numbers.
    pub(super) persons: BTreeMap<u32, Id>,
    /// Bulk accesses that name no person: rows and sum of their counts.
    pub bulk: (u64, u64),
    /// Identities planted by the holder of the data.
    pub canaries: BTreeSet<Id>,
}

/// What asking takes beside the counts: the records, of which the look-ups of accounts under suspicion are read once.
pub struct Asking<'a, 'b> {
    source: &'a dyn RowSource,
    settings: &'a Settings,
    bar: &'a mut Bar<'b>,
    /// The look-ups read so far.
    pub looks: Looks,
}

impl<'a, 'b> Asking<'a, 'b> {
    /// Nothing is read yet.
    pub fn new(source: &'a dyn RowSource, settings: &'a Settings, bar: &'a mut Bar<'b>) -> Self {
        Asking { source, settings, bar, looks: Looks::default() }
    }

    /// What each of these columns touched of each stratum, bin by bin, beside the harmed things.
    fn served(
        &mut self,
        f: &Facts,
        l: &mut Lookups,
        asked: &[u32],
        columns: &[u32],
        harmed: &[u32],
    ) -> Result<BTreeMap<u32, Served>, ScanError> {
        let account = |c: &u32| {
            let (kind, id) = l.keys[asked[*c as usize] as usize];
            (kind == EntityKind::Account && id != NONE).then_some((*c, id))
        };
        let accounts: Vec<(u32, Id)> = columns.iter().filter_map(account).collect();
        self.looks.read(f, self.source, accounts.iter().map(|a| a.1), self.bar)?;
        let harmed: BTreeSet<u32> = harmed.iter().copied().collect();
        let mut out = BTreeMap::new();
        for (column, id) in accounts {
            let mut served = Served::default();
            for look in self.looks.of(id) {
                let thing = look.person.and_then(|p| l.tally.find(p)).filter(|t| !harmed.contains(t));
                if let Some(thing) = thing {
                    served.add(thing, l.tally.stratum_of(thing), f.day(look.row.ts));
                }
            }
            out.insert(column, served);
        }
        Ok(out)
    }
}

/// Asks for the leak of card-holders' identities. `collectors` are those whose captures led to a
/// ring's openings, with the ring's probability: what passed through them is not honest risk.
pub fn holders(
    f: &Facts,
    l: &mut Lookups,
    harmed: &Impersonated,
    collectors: &BTreeMap<Id, f64>,
    asking: &mut Asking<'_, '_>,
) -> Result<Answer, ScanError> {
    let keys = l.keys.clone();
    let persons = l.persons.clone();
    let own_step = |h: &Held| {
        let Some((ts, account)) = harmed.get(&persons[&h.thing]) else { return true };
        match keys[h.column as usize] {
            (EntityKind::Account, a) => a == *account && h.row.ts > ts - DAY,
            (EntityKind::Collector, c) if c != *account => false,
            _ => h.row.ts > ts - HOUR / 2,
        }
    };
    let when: BTreeMap<Id, i64> = harmed.iter().map(|(p, (ts, _))| (*p, *ts)).collect();
    let known: BTreeMap<u32, f64> = keys
        .iter()
        .enumerate()
        .filter(|(_, k)| k.0 == EntityKind::Collector)
        .filter_map(|(i, k)| collectors.get(&k.1).map(|p| (i as u32, *p)))
        .collect();
    // An opening is dated by itself.
    let dated = when.keys().copied().collect();
    ask(f, l, Question::HolderIdentity, (&when, &known, &dated), asking, |_| true, |h| !own_step(h))
}

/// Asks for the leak of fraud victims' data.
pub fn victims(
    f: &Facts,
    l: &mut Lookups,
    harmed: &BTreeMap<Id, i64>,
    asking: &mut Asking<'_, '_>,
) -> Result<Answer, ScanError> {
    let keys = l.keys.clone();
    let accounts = |c: u32| keys[c as usize].0 == EntityKind::Account;
    let dated = f.reports.iter().filter(|r| r.dated && harmed.get(&r.victim) == Some(&r.row.ts));
    let dated = dated.map(|r| r.victim).collect();
    ask(f, l, Question::VictimData, (harmed, &BTreeMap::new(), &dated), asking, accounts, |_| true)
}

fn ask(
    f: &Facts,
    l: &mut Lookups,
    question: Question,
    (harmed, known, dated): (&BTreeMap<Id, i64>, &BTreeMap<u32, f64>, &BTreeSet<Id>),
    asking: &mut Asking<'_, '_>,
    keep: impl Fn(u32) -> bool,
    counts: impl Fn(&Held) -> bool,
) -> Result<Answer, ScanError> {
    let days: Vec<(u32, f64)> =
        l.persons.iter().filter_map(|(i, p)| harmed.get(p).map(|ts| (*i, f.day(*ts)))).collect();
    let planted = days.iter().any(|(t, _)| l.canaries.contains(&l.persons[t]));
    if days.len() < 2 && !planted {
        let outside = (!harmed.is_empty()).then(|| outside::told(question, harmed.len(), None));
        return Ok(Answer { sources: Vec::new(), outside, best: Best::default(), limits: Vec::new() });
    }
    let (mut problem, asked, things) = l.tally.problem(Clock::Calendar, keep, &days, &counts);
    let exposure = l.tally.things_of();
    for (h, t) in problem.harmed.iter_mut().zip(&things) {
        if l.canaries.contains(&l.persons[t]) {
            h.plant();
        }
    }
    let known: BTreeMap<u32, f64> =
        asked.iter().enumerate().filter_map(|(i, c)| known.get(c).map(|p| (i as u32, *p))).collect();
    // A planted identity calls nobody.
    let dated = |t: &u32| dated.contains(&l.persons[t]) || l.canaries.contains(&l.persons[t]);
    let dated: Vec<bool> = things.iter().map(dated).collect();
    let settings = asking.settings;
    let served = |columns: &[u32]| asking.served(f, l, &asked, columns, &things);
    let (problem, answer, desks, looked_at) =
        without_calls(problem, &dated, |p| scored(f, p, settings, &known), served)?;
    let mut scored = answer.columns;
    let place: BTreeMap<u32, usize> = things.iter().enumerate().map(|(i, t)| (*t, i)).collect();
    let held = l.tally.held();
    let touches = |of: &dyn Fn(u32) -> bool| -> Vec<Touch> {
        let mine = held.iter().filter(|h| of(h.column) && counts(h));
        mine.filter_map(|h| {
            let i = *place.get(&h.thing)?;
            (days[i].1 > h.day).then_some(Touch { harmed: i as u32, day: h.day, row: h.row })
        })
        .collect()
    };
    let person = |i: u32| {
        let id = l.persons[&things[i as usize]];
        (entity(f, EntityKind::Person, id), harmed[&id])
    };
    let mut found = Vec::new();
    for s in scored.iter().filter(|s| s.probability >= WORTH) {
        let column = asked[s.column as usize];
        let (kind, id) = l.keys[column as usize];
        let touches = touches(&|c| c == column);
        let against = against(&problem, s);
        let rival = against.most.map(|(c, n)| {
            let (kind, id) = l.keys[asked[c as usize] as usize];
            (entity(f, kind, id), n)
        });
        let behind = Behind {
            entity: entity(f, kind, id),
            finer: Vec::new(),
            exposure: exposure[column as usize],
            rows: touches.iter().map(|t| t.row).collect(),
            harms: harms::told(f, s, &touches, person),
            against: Some(against),
            rival,
        };
        let set = s
            .set
            .iter()
            .map(|(c, p)| {
                let (kind, id) = l.keys[asked[*c as usize] as usize];
                (entity(f, kind, id), *p)
            })
            .collect();
        let mut told = source(f, question, s, &behind, set);
        if let (Some(told), Some(desk)) = (&mut told, desks.get(&s.column)) {
            desk::mark(desk, told);
        } else if let (Some(told), Some(desk)) = (&mut told, looked_at.get(&s.column)) {
            desk::clear(desk, told);
        }
        found.extend(told);
    }
    let best = Best::of(&scored);
    let mut limits = Vec::new();
    let mut crowds = Vec::new();
    for (of, s) in answer.crowds {
        let columns: Vec<u32> = of.members.iter().map(|m| asked[*m as usize]).collect();
        let touches = touches(&|c| columns.binary_search(&c).is_ok());
        let rows: Vec<Row> = touches.iter().map(|t| t.row).collect();
        let harms = harms::told(f, &s, &touches, person);
        crowds.push((of, s, columns, rows, harms));
    }
    for (of, s, columns, rows, harms) in crowds {
        match crowd::told(f, l, question, (&of, &s), &columns, (rows, harms)) {
            Some(source) => found.push(source),
            None if s.probability >= WORTH => {
                limits.push(crowd::without_outlet(question, columns.len(), s.probability))
            }
            None => {}
        }
        scored.push(s);
    }
    let outside = Some(outside::told(question, harmed.len(), Some((&problem, &scored))));
    let mut on_desks: Vec<(Entity, Desk)> = Vec::new();
    for (column, desk) in desks {
        let (kind, id) = l.keys[asked[column as usize] as usize];
        on_desks.push((entity(f, kind, id), desk));
    }
    limits.extend(desk::told(on_desks));
    Ok(Answer { sources: merge(found), outside, best, limits })
}

/// The problem as it was asked last, what was found, the desks, and all that were held against desks.
type Asked = (Problem, Found, BTreeMap<u32, Desk>, BTreeMap<u32, Desk>);

/// Asks again without the look-ups that are taken for the victims' calls, until nobody else looks as if he took any; with the
/// accounts that do. What they are without these stands, or what they were, as likely as the days leave it.
fn without_calls(
    problem: Problem,
    dated: &[bool],
    ask: impl Fn(&Problem) -> Found,
    mut served: impl FnMut(&[u32]) -> Result<BTreeMap<u32, Served>, ScanError>,
) -> Result<Asked, ScanError> {
    // All that were told, and those of them that are likelier desks.
    let mut looked_at: BTreeMap<u32, Desk> = BTreeMap::new();
    let mut desks: BTreeMap<u32, Desk> = BTreeMap::new();
    let mut before: BTreeMap<u32, Scored> = BTreeMap::new();
    let mut look = |all: &mut BTreeMap<u32, Desk>, columns: BTreeSet<u32>| -> Result<(), ScanError> {
        let new = |c: &u32| !all.contains_key(c) && undated(&problem, dated, *c);
        let new: Vec<u32> = columns.into_iter().filter(new).collect();
        let served = served(&new)?;
        all.extend(
            new.into_iter().filter_map(|c| Some((c, desk::desk(&problem, dated, c, served.get(&c))?))),
        );
        Ok(())
    };
    let mut asked = None;
    let mut found = ask(&problem);
    for _ in 0..ASKED {
        let told = found.columns.iter().filter(|s| s.probability >= WORTH).map(|s| s.column);
        let of_crowds = found.crowds.iter().flat_map(|c| c.0.members.iter().copied());
        look(&mut looked_at, told.chain(of_crowds).collect())?;
        desk::settle(&problem, dated, &mut looked_at);
        let new: Vec<Desk> =
            looked_at.values().filter(|d| d.likely() && !desks.contains_key(&d.column)).copied().collect();
        if new.is_empty() {
            break;
        }
        let as_told = found.columns.into_iter().map(|s| (s.column, s)).collect::<BTreeMap<_, _>>();
        before.extend(new.iter().filter_map(|d| as_told.get(&d.column).map(|s| (d.column, s.clone()))));
        desks.extend(new.iter().map(|d| (d.column, *d)));
        let left = desk::without(&problem, dated, &desks.values().copied().collect::<Vec<_>>());
        found = ask(&left);
        asked = Some(left);
    }
    // Who stood in another's shade until now.
    let told = found.columns.iter().filter(|s| s.probability >= WORTH).map(|s| s.column);
    look(&mut looked_at, told.collect())?;
    desk::settle(&problem, dated, &mut looked_at);
    for (column, mut s) in before {
        s.probability = s.probability.min(looked_at[&column].leak);
        (s.listed, s.certified) = (false, false);
        match found.columns.iter_mut().find(|c| c.column == column) {
            Some(now) if now.probability >= s.probability => {}
            Some(now) => *now = s,
            None => found.columns.push(s),
        }
    }
    // Who is no desk may still be none of both.
    for s in found.columns.iter_mut().filter(|s| s.probability >= WORTH && !desks.contains_key(&s.column)) {
        let leak = looked_at.get(&s.column).map_or(1.0, |d| d.leak);
        s.probability *= leak;
        s.listed &= leak >= NO_DESK;
        s.certified &= s.listed;
    }
    found.columns.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.column.cmp(&b.column)));
    Ok((asked.unwrap_or(problem), found, desks, looked_at))
}

impl Lookups {
    /// How many of the persons of interest were looked up or captured at all.
    pub fn known(&self, wanted: impl Fn(Id) -> bool) -> usize {
        self.persons.values().filter(|p| wanted(**p)).count()
    }

    /// How many persons were looked up or captured.
    pub fn everyone(&self) -> usize {
        self.tally.things()
    }

    /// The persons that each of these accounts touched, as numbers in rising order.
    pub fn persons_of(&mut self, accounts: &[Id]) -> Vec<Vec<u32>> {
        let columns: Vec<Option<u32>> = accounts.iter().map(|a| self.account(*a)).collect();
        let known: Vec<u32> = columns.iter().flatten().copied().collect();
        let mut touched = self.tally.touched_by(&known).into_iter();
        columns.iter().map(|c| c.and_then(|_| touched.next()).unwrap_or_default()).collect()
    }

    /// For each of these accounts and times: which other accounts may have repeated more than `share` of its look-ups.
    pub fn may_repeat(&mut self, asked: &[(Id, (f64, f64))], share: f64) -> Vec<BTreeSet<Id>> {
        let columns: Vec<Option<u32>> = asked.iter().map(|a| self.account(a.0)).collect();
        let known = columns.iter().zip(asked).filter_map(|(c, a)| c.map(|c| (c, a.1)));
        let mut found = self.tally.may_repeat(&known.collect::<Vec<_>>(), share).into_iter();
        let accounts = |columns: BTreeSet<u32>| {
            let keys = columns.into_iter().map(|c| self.keys[c as usize]);
            keys.filter(|k| k.0 == EntityKind::Account && k.1 != NONE).map(|k| k.1).collect()
        };
        let of = |c: Option<u32>| c.and_then(|_| found.next()).map(accounts).unwrap_or_default();
        columns.into_iter().map(of).collect()
    }

    /// The tokens of these persons.
    pub fn tokens(&self, persons: &[Vec<u32>]) -> Sieve {
        // A bit of each number.
        let mut wanted = vec![0u64; persons.iter().flatten().max().map_or(0, |last| *last as usize / 64 + 1)];
        persons.iter().flatten().for_each(|p| wanted[*p as usize / 64] |= 1 << (p % 64));
        let is = |p: u32| wanted.get(p as usize / 64).is_some_and(|bits| bits >> (p % 64) & 1 == 1);
        Sieve::of(self.tally.keys().filter(|k| is(k.1)).collect())
    }

    /// First and last day on which an account looked anyone up.
    pub fn days_of(&self, account: Id) -> Option<(i64, i64)> {
        self.account(account).map(|column| self.tally.days_of(column))
    }

    fn account(&self, id: Id) -> Option<u32> {
        self.columns.get(&(EntityKind::Account, id)).copied()
    }

    /// Who touched each of these persons, in order of time.
    pub fn touches_of(&self, persons: &BTreeSet<Id>) -> BTreeMap<Id, Vec<(EntityKind, Id, Row)>> {
        let mut out: BTreeMap<Id, Vec<(EntityKind, Id, Row)>> = BTreeMap::new();
        for h in self.tally.held() {
            let person = self.persons[&h.thing];
            if persons.contains(&person) {
                let (kind, id) = self.keys[h.column as usize];
                out.entry(person).or_default().push((kind, id, h.row));
            }
        }
        out.values_mut().for_each(|list| list.sort_by_key(|t| (t.2.ts, t.2.kind as u8, t.2.source, t.2.seq)));
        out
    }

    /// Rows by which an entity touched any of these persons, and how many of them.
    pub fn touched(&self, kind: EntityKind, id: Id, persons: &BTreeSet<Id>) -> (Vec<Row>, BTreeSet<Id>) {
        let mut rows = Vec::new();
        let mut who = BTreeSet::new();
        for h in self.tally.held() {
            let person = self.persons[&h.thing];
            if self.keys[h.column as usize] == (kind, id) && persons.contains(&person) {
                rows.push(h.row);
                who.insert(person);
            }
        }
        (rows, who)
    }
}
