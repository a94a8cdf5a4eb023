//! Who takes the report: an account that looks its victims up hours or days before their reports may have been called by
//! them after the harm, where a report is dated by when it was filed and not by the loss.
//!
//! A leak harms a part of what it touched in some window, mostly after weeks; a desk meets a part of all who were harmed, within days of
//! their reports, as long as it is one ([`calls`]). Every account that would be told is held against both, and all of them
//! together ([`settle`]): where many take calls, so does one that might do either, and who met victims that called another desk, too, did
//! not take their calls ([`Callers`]). Who looks more like taking reports has these look-ups
//! left out, and the question is asked again: a leak beside the desk's work stays, and so does whoever stood in its shade. Who
//! looks more like a leak is as likely one as these days leave it.
//!
//! Always holds: where the loss itself is dated (an hour or more before the report), nothing is left out; nobody gets likelier by it.
//! Blind to: who sold evenly all the time what was used within days looks the same. That is told, and what would tell them apart.

use std::collections::BTreeMap;

use suyuan_model::outcome::{Counter, Entity, Outcome, Source, Text};

use super::callers::{Besides, Callers};
use crate::attribute::{Calls, Problem, Served, calls, log_sum_exp};
use crate::words::{number, text};

/// How common leaks are, desks, and accounts that stand in at one for a while, among those that look like any, before any is seen; and
/// for how many accounts this counts.
const USUAL: [f64; 3] = [0.5, 0.35, 0.15];
const FIRM: f64 = 2.0;
/// So many desks show how much one may look like a leak by chance.
const MANY: usize = 10;
/// How much further the next of them might go, nats.
const NEXT: f64 = 1.0;
/// No desk is told as less likely a leak: one may sell, too.
const DOUBT: f64 = 0.06;
/// Rounds in which desks and leaks are weighed together.
const ROUNDS: usize = 10;
/// Some calls come earlier than nearly all: look-ups of a desk are left out up to twice its reach, but no more than so many days beyond.
const TAIL: f64 = 7.0;
/// What its victims called besides is told where it says so much.
const CLEARS: f64 = 2.0;
/// So many accounts are named in the limits.
const NAMES: usize = 5;
/// An account that looks as if it took reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Desk {
    /// Its column in the problem.
    pub column: u32,
    /// Look-ups up to so many days before a report are taken for the victim's call.
    pub reach: f64,
    /// Victims whom it looked up before their reports, and those within reach.
    pub all: u64,
    pub soon: u64,
    /// Log likelihood of these days by [`USUAL`].
    logs: [f64; 3],
    /// Whom its victims called besides; see [`Callers`].
    besides: Option<Besides>,
    /// How likely its look-ups led to the harm after all; see [`weigh`].
    pub leak: f64,
}

/// What speaks for a desk and for a leak in a column's look-ups, with what else it looked up where that was read. `dated` says of each harmed thing whether the harm itself is
/// dated; nothing where too few are not.
pub fn desk(p: &Problem, dated: &[bool], column: u32, served: Option<&Served>) -> Option<Desk> {
    let Calls { reach, all, soon, logs } = calls(p, dated, column, served)?;
    Some(Desk { column, reach, all, soon, logs, besides: None, leak: of(logs, USUAL)[0] })
}

/// How likely each is, where they are that common.
fn of(logs: [f64; 3], common: [f64; 3]) -> [f64; 3] {
    let logs: [f64; 3] = std::array::from_fn(|i| logs[i] + common[i].ln());
    let all = log_sum_exp(&logs);
    logs.map(|l| (l - all).exp())
}

/// Weighs all of them together, by their days and then by whom their victims called besides.
pub fn settle(p: &Problem, dated: &[bool], all: &mut BTreeMap<u32, Desk>) {
    all.values_mut().for_each(|d| d.besides = None);
    weigh(all);
    let callers = Callers::of(p, dated, all);
    all.values_mut().for_each(|d| d.besides = callers.told(d.column));
    weigh(all);
}

/// Weighs all of them together: where many are desks, so is one that might be either, and it must look more like a leak than any
/// of those do. That many leaked makes nobody likelier to have.
fn weigh(all: &mut BTreeMap<u32, Desk>) {
    let once = weighed(all, 0.0);
    let desks: Vec<f64> = once.iter().filter(|x| x.1 < 0.5).map(|x| x.0.odds()).collect();
    let most = if desks.len() >= MANY { NEXT + desks.into_iter().fold(0.0, f64::max) } else { 0.0 };
    let leaks: Vec<f64> = weighed(all, most).into_iter().map(|x| x.1).collect();
    all.values_mut().zip(leaks).for_each(|(d, leak)| d.leak = leak.max(DOUBT));
}

/// How likely each of them is a leak, where that has to be likelier by so many nats.
fn weighed(all: &BTreeMap<u32, Desk>, price: f64) -> Vec<(Desk, f64)> {
    let logs = |d: &Desk| [d.logs[0] + d.nats() - price, d.logs[1], d.logs[2]];
    let mut each: Vec<[f64; 3]> = all.values().map(|d| of(logs(d), USUAL)).collect();
    for _ in 0..ROUNDS {
        let sum = |i: usize| each.iter().map(|x| x[i]).sum::<f64>();
        let sums = [sum(0), sum(1), sum(2)];
        let others = |own: &[f64; 3]| -> [f64; 3] {
            let n = FIRM + each.len() as f64 - 1.0;
            let share: [f64; 3] = std::array::from_fn(|i| (FIRM * USUAL[i] + sums[i] - own[i]) / n);
            let leak = share[0].min(USUAL[0]);
            let desks = (1.0 - leak) / (share[1] + share[2]);
            [leak, share[1] * desks, share[2] * desks]
        };
        each = each.iter().zip(all.values()).map(|(own, d)| of(logs(d), others(own))).collect();
    }
    all.values().zip(each).map(|(d, x)| (*d, x[0])).collect()
}

impl Desk {
    /// How much likelier a leak is by whom its victims called besides.
    fn nats(&self) -> f64 {
        self.besides.map_or(0.0, |b| b.nats)
    }

    /// Log of how much likelier a leak makes its days than the better of both desks.
    pub fn odds(&self) -> f64 {
        self.logs[0] + self.nats() - self.logs[1].max(self.logs[2])
    }

    /// One that meets its callers up to five days before, and how likely it is a leak.
    #[cfg(test)]
    pub fn made(column: u32, leak: f64) -> Desk {
        Desk { column, reach: 5.0, all: 0, soon: 0, logs: [0.0; 3], besides: None, leak }
    }

    /// Likelier a desk than a leak.
    pub fn likely(&self) -> bool {
        self.leak < 0.5
    }
}

/// The problem without the look-ups that are taken for calls.
pub fn without(p: &Problem, dated: &[bool], desks: &[Desk]) -> Problem {
    let mut out = p.clone();
    out.touches.retain(|t| {
        let harmed = t.harmed as usize;
        let wait = p.harmed[harmed].day - t.day;
        let call = |d: &Desk| d.column == t.column && wait > 0.0 && wait <= d.reach + d.reach.min(TAIL);
        dated[harmed] || !desks.iter().any(call)
    });
    out
}

/// Says so on a source.
pub fn mark(d: &Desk, source: &mut Source) {
    let words = blind(d);
    source.cannot_tell =
        Text::new(words.en + " " + &source.cannot_tell.en, words.zh + &source.cannot_tell.zh);
    source.counter.push(Counter {
        what: text("It takes the victims' calls", "受理被害人来电或报案"),
        outcome: Outcome::NotCheckable,
        detail: text(
            format!(
                "{} of {} victims were looked up within {} days before their reports, which are dated by when they were \
                 filed; a call after the harm explains that better than a leak (probability of the latter by these days \
                 {})",
                d.soon,
                d.all,
                number(d.reach),
                number(d.leak)
            ),
            format!(
                "{} 名被害人中有 {} 名在报案前 {} 天内被查询，而报案记录只载明立案时间；受害后来电比泄露更能解释\
                 （仅按间隔，泄露的概率为 {}）",
                d.all,
                d.soon,
                number(d.reach),
                number(d.leak)
            ),
        ),
    });
}

/// Says on a source that is no desk what speaks against its being one: nothing where no victims called any.
pub fn clear(d: &Desk, source: &mut Source) {
    let Some(b) = d.besides.filter(|b| b.nats >= CLEARS) else { return };
    source.counter.push(Counter {
        what: text("It takes the victims' calls", "受理被害人来电或报案"),
        outcome: Outcome::Excluded,
        detail: text(
            format!(
                "of the {} victims whom it looked up within {} days before their reports {} called a desk that takes calls later \
                 (of all other victims a share of {} did); of those who had called one desk only a share of {} called another",
                b.of,
                number(d.reach),
                b.later,
                number(b.once),
                number(b.twice)
            ),
            format!(
                "其在报案前 {} 天内查询的 {} 名被害人中，有 {} 名其后致电受理岗（其他被害人中该比例为 {}）；而已致电某受理岗者，\
                 其后再致电另一受理岗的比例仅为 {}",
                number(d.reach),
                b.of,
                b.later,
                number(b.once),
                number(b.twice)
            ),
        ),
    });
}

fn blind(d: &Desk) -> Text {
    text(
        format!(
            "It looked its victims up at most {} days before they reported: whoever takes the calls of people already \
             harmed does the same, and so does a seller whose goods are used within days. The time of each loss (`ts`, with \
             the filing in `reported_at`) or the record of the calls would tell.",
            number(d.reach)
        ),
        format!(
            "其查询多在被害人报案前 {} 天之内：受理已受害者来电的人与数日内即被利用的出售者看起来相同。载明受害时间（`ts`，\
             立案时间另记 `reported_at`）或来电记录可以区分。",
            number(d.reach)
        ),
    )
}

/// What is told of all of them, since not each need be among the sources; nothing where there are none.
pub fn told(mut desks: Vec<(Entity, Desk)>) -> Option<Text> {
    desks.sort_by(|a, b| b.1.soon.cmp(&a.1.soon).then_with(|| a.0.cmp(&b.0)));
    let names: Vec<&str> = desks.iter().take(NAMES).map(|d| d.0.id.as_str()).collect();
    let soon: u64 = desks.iter().map(|d| d.1.soon).sum();
    let (n, more) = (desks.len(), desks.len().saturating_sub(NAMES));
    let and = |one: &str, other: &str| if more == 0 { String::new() } else { format!("{one}{more}{other}") };
    (n > 0).then(|| {
        text(
            format!(
                "{n} accounts looked up victims within days before their reports, {soon} times in all ({}{}): whoever takes the \
                 calls of people already harmed does so. These look-ups are left out, and no account is listed for them; a \
                 seller whose goods are used within days would be missed with them. Where reports give the time of the loss \
                 (`ts`) apart from the filing (`reported_at`), nothing is left out.",
                names.join(", "),
                and(" and ", " more")
            ),
            format!(
                "有 {n} 个工号在被害人报案前数日内查询其信息，共 {soon} 次（{}{}）：受理已受害者来电即如此。这些查询不计入，也不因此\
                 列出任何工号；数日内即被利用的出售者会因此漏掉。报案记录若分别载明受害时间（`ts`）与立案时间（`reported_at`），\
                 则全部计入。",
                names.join("、"),
                and("等另 ", " 个")
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Clock, Column, Harmed, Stratum, Touch};
    use proptest::prelude::*;

    /// One column whose victims report so many days after its look-up, the looks a day apart from day 100 on.
    fn problem(waits: &[f64]) -> Problem {
        problem_of(waits, |i| 100.0 + i as f64)
    }

    /// The same with the looks at these days.
    fn problem_of(waits: &[f64], looked: impl Fn(usize) -> f64) -> Problem {
        let touch = |i: usize| Touch { column: 0, harmed: i as u32, day: looked(i), weight: 1.0 };
        let harm =
            |(i, w): (usize, &f64)| Harmed { day: looked(i) + w, stratum: 0, risk: 1.0, canary: false };
        // Sixty others are harmed whom it never met.
        let others =
            (0..60).map(|i| Harmed { day: 6.0 * i as f64 + 3.0, stratum: 0, risk: 1.0, canary: false });
        Problem {
            columns: vec![Column { exposure: vec![20.0; 40], strata: vec![(0, 800.0)], ..Column::default() }],
            strata: vec![Stratum { region: 0, things: 20_000.0 }],
            harmed: waits.iter().enumerate().map(harm).chain(others).collect(),
            touches: (0..waits.len()).map(touch).collect(),
            bins: 40,
            bin_days: 9.0,
            horizon: 360.0,
            clock: Clock::Calendar,
        }
    }

    #[test]
    fn calls_before_the_report_are_no_leak() {
        let p = problem_of(&[0.2, 1.1, 0.4, 2.0, 90.0, 0.1, 0.9], |i| 20.0 + 40.0 * i as f64);
        let found = desk(&p, &[false; 67], 0, None).unwrap();
        assert_eq!((found.all, found.soon), (7, 6));
        assert!(found.likely() && found.leak < 0.25, "{found:?}");
        let left = without(&p, &[false; 67], &[found]);
        assert_eq!(left.touches.iter().map(|t| t.harmed).collect::<Vec<_>>(), [4]);
        assert_eq!(desk(&p, &[true; 67], 0, None), None, "the losses are dated");
    }

    #[test]
    fn many_desks_speak_for_another_and_many_leaks_for_none() {
        let of = |logs: [f64; 3]| Desk {
            column: 0,
            reach: 5.0,
            all: 9,
            soon: 9,
            logs,
            besides: None,
            leak: super::of(logs, USUAL)[0],
        };
        let doubtful = of([2.0, 0.0, 0.0]);
        let among = |logs: [f64; 3]| {
            let mut all: BTreeMap<u32, Desk> = (0..30).map(|c| (c, of(logs))).collect();
            all.insert(99, doubtful);
            weigh(&mut all);
            all[&99].leak
        };
        assert!(among([0.0, 0.0, 30.0]) < 0.4, "{}", among([0.0, 0.0, 30.0]));
        assert!(among([0.0, 30.0, 0.0]) < 0.4, "{}", among([0.0, 30.0, 0.0]));
        assert!((among([30.0, 0.0, 0.0]) - doubtful.leak).abs() < 0.1, "{}", among([30.0, 0.0, 0.0]));
    }

    proptest! {
        /// Harm that follows after weeks is never taken for calls, however few the victims.
        #[test]
        fn a_leak_of_weeks_is_none(
            seeds in proptest::collection::vec(0.02f64..0.98, 4..60),
            mean in 14.0f64..60.0,
        ) {
            // Quantiles of the exponential, evenly spread, shifted by the seeds.
            let n = seeds.len() as f64;
            let waits: Vec<f64> =
                seeds.iter().enumerate().map(|(i, s)| -mean * (1.0 - (i as f64 + s) / n).ln()).collect();
            let found = desk(&problem(&waits), &vec![false; waits.len() + 60], 0, None).unwrap();
            prop_assert!(!found.likely(), "{:?}", found);
        }
    }
}
