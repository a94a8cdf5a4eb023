//! Which columns leaked: exposure-normalised likelihood ratios, explained away across columns, with
//! false discoveries held.
//!
//! A column is named for how *concentrated* its harm is against how much it touched, never for how
//! much harm passed through it: a busy desk touches many things and is expected to meet much harm.
//! All candidates compete for each harmed thing: what one explains, another cannot claim. The prior
//! is small and grows with the factors of all columns; the rest is learned only from columns whose factor
//! stands on its own (e-BH), and by no column about itself; how far honest columns differ, and how many are struck by
//! waves of their own, is learned too, from generous beginnings; the list needs
//! the Bayesian false discovery rate, e-BH, and a probability of [`SURE`] of each account for itself.
//!
//! Always holds: relabelling columns or things changes nothing; more exposure with the same harm
//! lowers a factor; a column with fewer than two harmed things is not a candidate, unless the one is a canary.
//! An outlet whose harm follows its touches whoever serves is told as the outlet, its accounts are not named ([`crowd`]); accounts
//! of one outlet do not stand on each other's guilt ([`outlets`]).
//! Blind to: a leak that never became known harm; partners who share all their touches (they come
//! out as one credible set); causes that raise one column's risk in just the window of its touches.

mod after;
mod base;
mod batch;
mod beside;
mod bound;
mod burst;
mod calendar;
mod calls;
mod canary;
mod crowd;
mod delay;
pub(crate) mod dice;
mod gaps;
mod grid;
mod habits;
mod honest;
mod kernel;
mod learn;
mod limits;
mod outlets;
mod outside;
mod prior;
mod problem;
mod served;
mod special;
mod stretch;
mod windows;
pub(crate) use special::{ln_gamma, log_sum_exp};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use base::Base;
pub use beside::{Partner, SHARE, Visit, beside, near, repeated};
pub use calls::{Calls, calls, undated};
pub use canary::{Canary, RESTS};
pub use crowd::Crowd;
use delay::Delay;
use habits::Habits;
use honest::Common;
use kernel::{Factor, Scratch, Touched};
use learn::{LEARN, Ways};
pub use limits::Limits;
pub use outside::outside;
use prior::Prior;
pub use problem::{Clock, Column, Harmed, Problem, Risks, Stratum, Touch};
pub use served::Served;
pub use special::logistic;
use stretch::Stretches;

use crate::jobs;

/// Settings of the attribution; the defaults are the ones measured.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Sources expected among all columns before anything is seen. Small: it is what keeps a world
    /// without an insider quiet.
    pub sources_expected: f64,
    /// The prior never grows beyond this share of the columns.
    pub prior_cap: f64,
    /// False discovery rate of the list by the model's own probabilities. It is promised at 5 %: among those of whom the model is sure, it
    /// is wrong more often than it says where harm follows nothing that it knows.
    pub fdr: f64,
    /// Level of the e-BH guard.
    pub guard: f64,
    /// No probability is stated above this: the model itself may be wrong.
    pub ceiling: f64,
    /// Rounds of empirical Bayes.
    pub rounds: usize,
    /// Rounds of explaining away within each.
    pub sweeps: usize,
    /// Threads; what is found is the same for any number.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            sources_expected: 0.2,
            prior_cap: 0.02,
            fdr: 0.02,
            guard: 0.5,
            ceiling: 0.999,
            rounds: 3,
            sweeps: 6,
            threads: 1,
        }
    }
}

/// A column with what was found of it.
#[derive(Clone, Debug)]
pub struct Scored {
    /// The column.
    pub column: u32,
    /// Probability that it is a source.
    pub probability: f64,
    /// Log Bayes factor given what others explain.
    pub log_factor: f64,
    /// The same by rates and lengths of leaks fixed before these records: the log of an e-value.
    pub log_e_value: f64,
    /// In the list with false discoveries held.
    pub listed: bool,
    /// Listed, and in the certified list: e-BH at 5 % on factors whose rates and lengths of leaks were fixed before these
    /// records, without a prior. False discoveries are held under any dependence among columns.
    pub certified: bool,
    /// Distinct harmed things touched before their harm.
    pub harmed: u64,
    /// Expected at the honest rate to be harmed after its touches.
    pub expected: f64,
    /// The same of its touches in the window.
    pub inside: f64,
    /// Days from and until which it leaked, where it did.
    pub window: Option<(f64, f64)>,
    /// 90 % limits of the window's ends; of found columns only.
    pub limits: Option<Limits>,
    /// Its evidence from canaries, where it touched any that was misused.
    pub canaries: Option<Canary>,
    /// Harmed things it explains: index and share.
    pub explains: Vec<(u32, f64)>,
    /// Columns that could stand in its place, with their share; sums to one.
    pub set: Vec<(u32, f64)>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Columns, most probable first.
    pub columns: Vec<Scored>,
    /// Outlets that explain the harm of all that serve them better than these do one by one; none of them is listed.
    pub crowds: Vec<(Crowd, Scored)>,
}

/// Candidates below this log factor are dropped until a source is found.
const SCREEN: f64 = 0.0;
/// Candidates less probable than this are left until something moves.
const FAR: f64 = 6e-6;
/// Level of the certified list.
const CERTIFIED: f64 = 0.05;
/// Shares of intensity below this part of the common honest rate move nobody's factor.
const STILL: f64 = 1e-3;
/// No account is named that is less likely a source, however sure the others on the list are: they must not pay for it.
const SURE: f64 = 0.85;
/// Responsibilities below this are not told.
const SMALL: f64 = 0.002;
/// What is known of a crowd that explains more than its accounts do.
const CROWD: f64 = 0.999;
/// A rival must cover this share of a source's harmed things to be held against it.
const RIVAL: f64 = 0.3;

struct Fit<'a> {
    p: &'a Problem,
    set: &'a Settings,
    suspected: &'a BTreeMap<u32, f64>,
    /// The columns that can be named; crowds come after them.
    named: usize,
    ranges: Vec<std::ops::Range<usize>>,
    share: Vec<f64>,
    leak: Vec<f64>,
    /// When a harmed thing's explanation last moved, and when a column was last evaluated.
    moved: Vec<u64>,
    seen: Vec<u64>,
    now: u64,
    factors: Vec<Factor>,
    /// Log factors of the columns with too little harm to be candidates: they say how many sources there are, too.
    faint: Vec<f64>,
    pip: Vec<f64>,
    /// How leaks go, as learned from all sources that teach, and for each of these from the others.
    ways: Ways,
    apart: BTreeMap<usize, Ways>,
    room: Scratch,
    /// Paces at which leaked cards may be used, beside the learned delay.
    paces: Vec<Delay>,
    /// Stretches of each column's touches, of cards, once they were asked for.
    stretches: Vec<OnceLock<Stretches>>,
}

/// Scores every column that touched at least two harmed things before their harm; most probable first.
///
/// `suspected` holds what is known of columns from records other than harm, as probabilities; the
/// common small prior stands for all others. It changes probabilities and whose harm counts as honest,
/// never a column's own factor against a given honest rate.
pub fn attribute(p: &Problem, settings: &Settings, suspected: &BTreeMap<u32, f64>) -> Found {
    let named = p.columns.len();
    let (columns, crowds) = Fit::new(p, settings, suspected, named).run();
    if crowds.is_empty() {
        return Found { columns, crowds: Vec::new() };
    }
    let beside = crowd::with(p, &crowds);
    let mut known = suspected.clone();
    known.extend((0..crowds.len()).map(|i| ((named + i) as u32, CROWD)));
    let (all, _) = Fit::new(&beside, settings, &known, named).run();
    let mut out = Found::default();
    for mut s in all {
        match (s.column as usize).checked_sub(named) {
            None => out.columns.push(s),
            Some(i) => {
                (s.listed, s.certified) = (false, false);
                out.crowds.push((crowds[i].clone(), s));
            }
        }
    }
    out
}

impl<'a> Fit<'a> {
    fn new(
        p: &'a Problem,
        settings: &'a Settings,
        suspected: &'a BTreeMap<u32, f64>,
        named: usize,
    ) -> Fit<'a> {
        let n = p.columns.len();
        let paces = if p.clock == Clock::Age { Delay::paces(p.horizon).to_vec() } else { Vec::new() };
        Fit {
            p,
            set: settings,
            suspected,
            named,
            share: vec![0.0; p.touches.len()],
            leak: vec![0.0; p.harmed.len()],
            moved: vec![0; p.harmed.len()],
            seen: vec![0; n],
            now: 1,
            factors: vec![Factor::below(f64::NEG_INFINITY, p.bins); n],
            faint: Vec::new(),
            pip: vec![0.0; n],
            ways: Ways {
                delay: Delay::new(p.horizon, 60.0),
                grid: grid::ways(p.clock).map(f64::ln),
                habits: Habits::new(paces.len()),
            },
            apart: BTreeMap::new(),
            room: Scratch::new(p.bins, p.clock),
            ranges: p.ranges(),
            paces,
            stretches: vec![OnceLock::new(); n],
        }
    }
}

impl Fit<'_> {
    /// Scores the columns; and tells the crowds that explain more than their accounts.
    fn run(&mut self) -> (Vec<Scored>, Vec<Crowd>) {
        let all: Vec<usize> =
            (0..self.p.columns.len()).filter(|c| self.enough(&self.harmed_before(*c))).collect();
        let mut candidates = all.clone();
        let mut unexplained = self.unsuspected(|_| true);
        let mut base = Base::fit(self.p, &unexplained, &vec![1.0; self.p.columns.len()], self.set.threads);
        self.ways.delay = match self.p.clock {
            Clock::Calendar => Delay::new(self.p.horizon, (self.p.horizon / 5.0).clamp(5.0, 90.0)),
            // Cards are used at the same ages whoever opened them, until the data say otherwise.
            Clock::Age => Delay::shaped(self.p.horizon, calendar::MONTH, &base.calendar.age),
        };
        let mut common = base.common;
        let first = self.ways.clone();
        self.faint = self.faint(&base, &all);
        let blank = Prior::new(self.set.sources_expected, self.named, self.set.prior_cap);
        for round in 0..self.set.rounds {
            self.share.fill(0.0);
            self.leak.fill(0.0);
            self.evaluate_all(&base, &candidates);
            if round == 0 {
                common = self.common(&all);
                base.common = common;
                for &c in &all {
                    self.factors[c].against(&common);
                    if self.factors[c].bounded && self.factors[c].log > SCREEN {
                        self.factors[c] = self.evaluate(&base, c);
                    }
                }
            }
            candidates.retain(|c| self.factors[*c].log > SCREEN);
            candidates.sort_by(|a, b| self.factors[*b].log.total_cmp(&self.factors[*a].log).then(a.cmp(b)));
            self.pip.fill(0.0);
            self.explain_away(&base, &candidates, &blank);
            if round + 1 == self.set.rounds {
                break;
            }
            // Whoever stood in the shade of a source found now is looked at again.
            if self.guarded(&candidates, LEARN).iter().any(|c| self.pip[*c] > 0.5) {
                candidates.clone_from(&all);
            }
            let lessons = self.lessons(&base, &candidates, &mut unexplained);
            self.learn(&first, &lessons);
            base = Base::fit(self.p, &unexplained, &self.honest(), self.set.threads);
            base.common = common;
        }
        let crowds = self.crowds(&base, &unexplained);
        self.against_outlets(&base, &unexplained);
        (self.results(&base, &candidates), crowds)
    }

    /// How likely each column is none of the sources, as if one in so many were one.
    fn honest(&self) -> Vec<f64> {
        let odds = (honest::SOURCES / (1.0 - honest::SOURCES)).ln();
        self.factors.iter().map(|f| logistic(-(f.fixed + odds))).collect()
    }

    /// Log factors of the columns that can be named and are no candidates.
    fn faint(&self, base: &Base, candidates: &[usize]) -> Vec<f64> {
        let others: Vec<usize> = (0..self.named).filter(|c| candidates.binary_search(c).is_err()).collect();
        let of = |c: &usize| {
            let things = kernel::things(self.p, base, &self.ways.delay, self.ranges[*c].clone(), |_| 0.0);
            bound::faint(&self.room, &things, &kernel::ripe(self.p, &self.ways.delay, *c))
        };
        jobs::map(self.set.threads, &others, of)
    }

    /// What these columns do where they are honest.
    fn common(&self, columns: &[usize]) -> Common {
        let sides = columns.iter().filter_map(|c| self.factors[*c].sides.as_ref());
        honest::common(self.p.clock, sides.map(|(_, leak, side)| (side, *leak)))
    }

    /// How much of each harm may speak of the honest risk: not what passed through suspected columns, of those that count.
    fn unsuspected(&self, counts: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut out: Vec<f64> = self.p.harmed.iter().map(|h| if h.canary { 0.0 } else { 1.0 }).collect();
        for (column, p) in self.suspected.iter().filter(|x| counts(*x.0 as usize)) {
            for e in self.ranges[*column as usize].clone() {
                let slot = &mut out[self.p.touches[e].harmed as usize];
                *slot = slot.min(1.0 - p);
            }
        }
        out
    }

    /// Distinct harmed things that the column touched before their harm.
    fn harmed_before(&self, column: usize) -> Vec<u32> {
        let mut out: Vec<u32> = self.p.touches[self.ranges[column].clone()]
            .iter()
            .filter(|t| self.p.harmed[t.harmed as usize].day > t.day)
            .map(|t| t.harmed)
            .collect();
        out.dedup();
        out
    }

    /// Evaluates these columns, none of which explains anything yet.
    fn evaluate_all(&mut self, base: &Base, columns: &[usize]) {
        let room = || Scratch::new(self.p.bins, self.p.clock);
        let factors = jobs::map_in(self.set.threads, columns, room, |room, c| {
            self.factor(self.p, base, *c, SCREEN, room)
        });
        for (c, factor) in columns.iter().zip(factors) {
            self.factors[*c] = factor;
            self.seen[*c] = self.now;
        }
    }

    fn evaluate(&mut self, base: &Base, c: usize) -> Factor {
        let mut room = std::mem::take(&mut self.room);
        let out = self.factor(self.p, base, c, SCREEN, &mut room);
        self.room = room;
        out
    }

    /// The factor of a column in the bins of `p`, given what the others explain.
    fn factor(&self, p: &Problem, base: &Base, c: usize, floor: f64, room: &mut Scratch) -> Factor {
        self.factor_of(p, base, c, floor, room, |_| true)
    }

    /// The same of the harmed things that are wanted.
    fn factor_of(
        &self,
        p: &Problem,
        base: &Base,
        c: usize,
        floor: f64,
        room: &mut Scratch,
        wanted: impl Fn(usize) -> bool,
    ) -> Factor {
        let own = self.own(c);
        let Ways { delay, grid, habits } = self.apart.get(&c).unwrap_or(&self.ways);
        let by = |delay: &Delay| {
            let mut ids = Vec::new();
            let things = kernel::things(p, base, delay, self.ranges[c].clone(), |h| {
                ids.push(h);
                (self.leak[h] - own.iter().find(|o| o.0 as usize == h).map_or(0.0, |o| o.1)).max(0.0)
            });
            let things: Vec<kernel::Thing> =
                things.into_iter().zip(ids).filter(|(_, h)| wanted(*h)).map(|x| x.0).collect();
            (things, kernel::ripe(p, delay, c))
        };
        let (things, ripe) = by(delay);
        let paces: Vec<_> = self.paces.iter().map(by).collect();
        let stretches = self.stretches(p, c);
        let touched = Touched {
            things: &things,
            ripe: &ripe,
            weights: grid,
            habits,
            stretches: stretches.as_deref(),
            paces: &paces,
        };
        kernel::factor(p, base, c, &touched, floor, room)
    }

    /// The stretches of a column's touches in the bins of `p`; cards come in lots, persons do not.
    fn stretches(&self, p: &Problem, c: usize) -> Option<Cow<'_, Stretches>> {
        if p.clock == Clock::Calendar {
            return None;
        }
        let found = self.stretches[c].get_or_init(|| Stretches::of(&self.p.columns[c]));
        let same = p.bins == self.p.bins;
        Some(if same { Cow::Borrowed(found) } else { Cow::Owned(found.within(self.p, p)) })
    }

    /// What the column now explains of each harmed thing, in intensity.
    fn own(&self, c: usize) -> Vec<(u32, f64)> {
        let mut out: Vec<(u32, f64)> = Vec::new();
        for e in self.ranges[c].clone() {
            let (h, s) = (self.p.touches[e].harmed, self.share[e]);
            match out.last_mut() {
                Some(o) if o.0 == h => o.1 += s,
                _ => out.push((h, s)),
            }
        }
        out
    }

    /// Coordinate ascent: each candidate in turn sees what the others leave unexplained.
    fn explain_away(&mut self, base: &Base, candidates: &[usize], blank: &Prior) {
        for _ in 0..self.set.sweeps {
            let prior = self.prior(blank);
            let mut moved: f64 = 0.0;
            for &c in candidates {
                let known = self.suspected.get(&(c as u32)).copied();
                // Far-off candidates are not evaluated again: nothing was taken from anyone for them.
                if self.pip[c] == 0.0 && prior.probability(self.factors[c].log, known) < FAR {
                    continue;
                }
                // Nothing that it could explain has moved since: the factor stands.
                let range = self.ranges[c].clone();
                if self.p.touches[range].iter().any(|t| self.moved[t.harmed as usize] > self.seen[c]) {
                    self.factors[c] = self.evaluate(base, c);
                }
                let pip = prior.probability(self.factors[c].log, known);
                moved = moved.max((pip - self.pip[c]).abs());
                self.pip[c] = pip;
                let delay = &self.apart.get(&c).unwrap_or(&self.ways).delay;
                let factor = &self.factors[c];
                // Of touches in one bin the one that explains most counts, as in the factor.
                let same =
                    |a: &Touch, b: &Touch| a.harmed == b.harmed && self.p.bin(a.day) == self.p.bin(b.day);
                let mut start = self.ranges[c].start;
                for touches in self.p.touches[self.ranges[c].clone()].chunk_by(same) {
                    let h = touches[0].harmed as usize;
                    let (bin, harm) = (self.p.bin(touches[0].day), self.p.harmed[h].day);
                    let month = calendar::month(harm, base.calendar.months);
                    let rate = |t: &Touch| {
                        let mut rate = factor.on[bin] * delay.density(harm - t.day);
                        if harm > t.day {
                            rate +=
                                factor.batches.iter().map(|(b, on)| on[bin] * b.density(month)).sum::<f64>();
                            let paces = factor.paces.iter().zip(&self.paces);
                            rate += paces.map(|(on, pace)| on[bin] * pace.density(harm - t.day)).sum::<f64>();
                        }
                        t.weight * rate
                    };
                    let rates: Vec<f64> = touches.iter().map(rate).collect();
                    let most =
                        (0..rates.len()).fold(0, |best, i| if rates[i] > rates[best] { i } else { best });
                    for (i, e) in (start..start + touches.len()).enumerate() {
                        let share = if i == most { pip * rates[i] } else { 0.0 };
                        self.leak[h] += share - self.share[e];
                        if (share - self.share[e]).abs() > STILL * base.beta[e] {
                            self.now += 1;
                            self.moved[h] = self.now;
                        }
                        self.share[e] = share;
                    }
                    start += touches.len();
                }
                // Its own share is taken out when it is evaluated, so its own moves do not count.
                self.seen[c] = self.now;
            }
            if moved < 2e-3 {
                break;
            }
        }
    }

    /// The prior given the fixed factors of all columns that can be named.
    fn prior(&self, blank: &Prior) -> Prior {
        self.prior_by(blank, |_| true)
    }

    /// The same by the columns that count.
    fn prior_by(&self, blank: &Prior, counts: impl Fn(usize) -> bool) -> Prior {
        let looked_at = self.factors.iter().take(self.named).enumerate();
        let counted = looked_at.filter(|(c, f)| f.fixed > f64::NEG_INFINITY && counts(*c));
        let logs: Vec<f64> = counted.map(|x| x.1.fixed).chain(self.faint.iter().copied()).collect();
        blank.given(&logs)
    }

    /// e-BH: Bayes factors are e-values, so the list is safe under any dependence among columns.
    fn guarded(&self, candidates: &[usize], level: f64) -> Vec<usize> {
        let mut order: Vec<usize> = candidates.iter().copied().filter(|c| *c < self.named).collect();
        order.sort_by(|a, b| self.factors[*b].fixed.total_cmp(&self.factors[*a].fixed).then(a.cmp(b)));
        let n = self.named.max(1) as f64;
        let mut keep = 0;
        for (i, c) in order.iter().enumerate() {
            if self.factors[*c].fixed >= (n / (level * (i + 1) as f64)).ln() {
                keep = i + 1;
            }
        }
        order.truncate(keep);
        order
    }

    fn results(&mut self, base: &Base, candidates: &[usize]) -> Vec<Scored> {
        let hands = self.share_canaries(base, candidates);
        let guarded = self.guarded(candidates, self.set.guard);
        let certified = self.guarded(candidates, CERTIFIED);
        let mut order = candidates.to_vec();
        order.sort_by(|a, b| {
            (self.pip[*b].total_cmp(&self.pip[*a]))
                .then(self.factors[*b].log.total_cmp(&self.factors[*a].log))
                .then(a.cmp(b))
        });
        let mut missed = 0.0;
        let mut open = true;
        let closer = self.closer(base, &order);
        let mut out = Vec::with_capacity(order.len());
        for (i, &c) in order.iter().enumerate() {
            missed += 1.0 - self.pip[c];
            open &= missed / (i + 1) as f64 <= self.set.fdr;
            let listed = open && self.pip[c] >= SURE && guarded.contains(&c);
            let probability = self.pip[c].min(self.set.ceiling);
            let set = if let Some(hands) = hands.get(&c) {
                hands.clone()
            } else if self.pip[c] >= 0.05 {
                self.rivals(base, c)
            } else {
                vec![(c as u32, 1.0)]
            };
            let window = closer.get(&c).map_or_else(|| window(self.p, &self.factors[c]), |x| x.0);
            out.push(Scored {
                column: c as u32,
                probability,
                log_factor: self.factors[c].log,
                log_e_value: self.factors[c].fixed,
                listed,
                certified: listed && certified.contains(&c),
                harmed: self.harmed_before(c).len() as u64,
                expected: base.after(self.p, c, None),
                inside: base.after(self.p, c, window),
                window,
                limits: closer.get(&c).and_then(|x| x.1),
                canaries: if probability >= 0.05 { self.canaries(base, c) } else { None },
                explains: self.explains(base, c),
                set,
            });
        }
        out
    }

    fn explains(&self, base: &Base, c: usize) -> Vec<(u32, f64)> {
        let range = self.ranges[c].clone();
        let honest: BTreeMap<u32, f64> = range.map(|e| (self.p.touches[e].harmed, base.beta[e])).collect();
        self.own(c)
            .into_iter()
            .filter_map(|(h, s)| {
                let all = self.leak[h as usize] + honest[&h];
                (s > SMALL * all).then(|| (h, s / all))
            })
            .collect()
    }

    /// Window and limits in days of the columns that are more likely sources than not.
    fn closer(&self, base: &Base, order: &[usize]) -> BTreeMap<usize, Closer> {
        let found: Vec<usize> = order.iter().copied().filter(|c| self.pip[*c] >= 0.5).collect();
        if found.is_empty() {
            return BTreeMap::new();
        }
        let daily = limits::daily(self.p, &found);
        let room = || Scratch::new(daily.bins, daily.clock);
        let all = jobs::map_in(self.set.threads, &found, room, |room, c| {
            let factor = self.factor(&daily, base, *c, f64::NEG_INFINITY, room);
            (window(&daily, &factor), limits::limits(self.p, &daily, *c, &factor))
        });
        found.into_iter().zip(all).collect()
    }

    /// Takes the source out and lets every column that covers enough of its harm take its place.
    fn rivals(&mut self, base: &Base, c: usize) -> Vec<(u32, f64)> {
        let mine: Vec<u32> = self.explains(base, c).iter().filter(|x| x.1 > 0.3).map(|x| x.0).collect();
        if mine.is_empty() {
            return vec![(c as u32, 1.0)];
        }
        self.in_place_of(base, c, &mine)
    }

    /// Columns that could stand in a column's place for these of its harmed things.
    fn in_place_of(&mut self, base: &Base, c: usize, mine: &[u32]) -> Vec<(u32, f64)> {
        let own = self.own(c);
        for (h, s) in &own {
            self.leak[*h as usize] -= s;
        }
        let kept: Vec<f64> = self.share[self.ranges[c].clone()].to_vec();
        self.share[self.ranges[c].clone()].fill(0.0);
        let mut scored: Vec<(u32, f64)> = Vec::new();
        // All by the ways that the source itself is judged by: a rival must not profit from what the source taught.
        let ways = self.apart.get(&c).unwrap_or(&self.ways).clone();
        for b in 0..self.p.columns.len() {
            let covered = if b == c {
                mine.len()
            } else {
                self.harmed_before(b).iter().filter(|h| mine.binary_search(h).is_ok()).count()
            };
            // One canary is enough for its source, so it is for a rival.
            if covered >= mine.len().min(2)
                && covered as f64 >= RIVAL * mine.len() as f64
                && (b == c || self.pip[b] < 0.5)
            {
                let own = self.apart.insert(b, ways.clone());
                scored.push((b as u32, self.evaluate(base, b).log));
                match own {
                    Some(own) => self.apart.insert(b, own),
                    None => self.apart.remove(&b),
                };
            }
        }
        let range = self.ranges[c].clone();
        self.share[range].copy_from_slice(&kept);
        for (h, s) in &own {
            self.leak[*h as usize] += s;
        }
        credible(scored, c as u32)
    }
}

/// A window, and its limits.
type Closer = (Option<(f64, f64)>, Option<Limits>);

/// The bins that are more likely inside than outside the leak.
fn window(p: &Problem, factor: &Factor) -> Option<(f64, f64)> {
    let on = factor.window();
    let top = on.iter().copied().fold(0.0, f64::max);
    if top <= 0.0 {
        return None;
    }
    let first = on.iter().position(|x| *x >= 0.5 * top)?;
    let last = on.iter().rposition(|x| *x >= 0.5 * top)?;
    let end = ((last + 1) as f64 * p.bin_days).min(p.horizon);
    Some((first as f64 * p.bin_days, end))
}

/// Softmax of log factors, cut at 95 %, the source itself always in.
fn credible(mut scored: Vec<(u32, f64)>, me: u32) -> Vec<(u32, f64)> {
    if scored.is_empty() {
        return vec![(me, 1.0)];
    }
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let top = scored[0].1;
    let total: f64 = scored.iter().map(|x| (x.1 - top).exp()).sum();
    let mut out = Vec::new();
    let mut sum = 0.0;
    for (c, l) in scored {
        let share = (l - top).exp() / total;
        if sum < 0.95 || c == me {
            out.push((c, share));
        }
        sum += share;
    }
    let kept: f64 = out.iter().map(|x| x.1).sum();
    out.iter().map(|(c, s)| (*c, s / kept)).collect()
}

#[cfg(test)]
mod tests;
