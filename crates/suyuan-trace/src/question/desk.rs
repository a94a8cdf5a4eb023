//! Who takes the report: an account that looks its victims up hours or days before their reports may have been called by
//! them after the harm, where a report is dated by when it was filed and not by the loss.
//!
//! A leak is followed by harm after weeks, mostly; a call is followed by its report within days. So for every account that
//! would be told, the days from its last look-up of each victim to the report are held against both: exponential with one of
//! a few means, mixed with a share of chance meetings (evenly spread). Who looks more like taking reports has these look-ups
//! left out, and the question is asked again: a leak beside the desk's work stays, and so does whoever stood in its shade.
//!
//! Always holds: where the loss itself is dated (an hour or more before the report), nothing is left out.
//! Blind to: a seller whose goods are used within days looks the same. That is told, and what would tell them apart.

use suyuan_model::outcome::{Counter, Entity, Outcome, Source, Text};

use crate::attribute::{Problem, log_sum_exp};
use crate::words::{number, text};

/// Mean days from a victim's call to the report, equally likely before anything is seen.
const CALLS: [f64; 4] = [0.1, 0.3, 1.0, 3.0];
/// Mean days from a leak to the report, with how likely they are (engineering values: one leak in five is used within days).
const LEAKS: [(f64, f64); 8] = [
    (0.3, 0.06),
    (1.0, 0.07),
    (3.0, 0.07),
    (7.0, 0.16),
    (14.0, 0.16),
    (30.0, 0.16),
    (60.0, 0.16),
    (120.0, 0.16),
];
/// Share of an account's victims that it met by chance.
const CHANCE: [f64; 3] = [0.05, 0.2, 0.5];
/// Look-ups within so many means of the report are taken for calls.
const REACH: f64 = 5.0;
/// So many accounts are named in the limits.
const NAMES: usize = 5;
/// With fewer victims the days tell nothing.
const LEAST: usize = 3;

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
    /// How likely the days are a leak's after all, both being equally likely before.
    pub leak: f64,
}

/// Tells whether a column looks as if it took reports. `dated` says of each harmed thing whether the harm itself is dated.
pub fn desk(p: &Problem, dated: &[bool], column: u32) -> Option<Desk> {
    let of_column = p.touches.chunk_by(|a, b| a.column == b.column).find(|t| t[0].column == column)?;
    let mut waits: Vec<(f64, f64)> = Vec::new();
    for of_thing in of_column.chunk_by(|a, b| a.harmed == b.harmed) {
        let harmed = of_thing[0].harmed as usize;
        let day = p.harmed[harmed].day;
        let last = of_thing.iter().map(|t| t.day).filter(|d| *d < day).reduce(f64::max);
        if let Some(last) = last.filter(|_| !dated[harmed]) {
            waits.push((day - last, day));
        }
    }
    if waits.len() < LEAST {
        return None;
    }
    let calls: Vec<f64> = CALLS.iter().map(|m| log_likelihood(&waits, *m)).collect();
    let leaks: Vec<f64> = LEAKS.iter().map(|(m, w)| w.ln() + log_likelihood(&waits, *m)).collect();
    let call = log_sum_exp(&calls) - (CALLS.len() as f64).ln();
    let leak = crate::attribute::logistic(log_sum_exp(&leaks) - call);
    let best = (0..CALLS.len()).max_by(|a, b| calls[*a].total_cmp(&calls[*b]))?;
    let reach = (REACH * CALLS[best]).max(1.0);
    let soon = waits.iter().filter(|w| w.0 <= reach).count() as u64;
    (leak < 0.5).then_some(Desk { column, reach, all: waits.len() as u64, soon, leak })
}

/// Log likelihood of days from look-up to report with that mean, each with how many days there could have been; over the
/// shares of chance.
fn log_likelihood(waits: &[(f64, f64)], mean: f64) -> f64 {
    let of = |share: &f64| -> f64 {
        let density = |(wait, most): &(f64, f64)| {
            let most = most.max(1e-6);
            let after = (-wait / mean).exp() / (mean * -(-most / mean).exp_m1());
            ((1.0 - share) * after + share / most).ln()
        };
        waits.iter().map(density).sum()
    };
    let all: Vec<f64> = CHANCE.iter().map(of).collect();
    log_sum_exp(&all) - (CHANCE.len() as f64).ln()
}

/// The problem without the look-ups that are taken for calls.
pub fn without(p: &Problem, dated: &[bool], desks: &[Desk]) -> Problem {
    let mut out = p.clone();
    out.touches.retain(|t| {
        let harmed = t.harmed as usize;
        let wait = p.harmed[harmed].day - t.day;
        let call = |d: &Desk| d.column == t.column && wait > 0.0 && wait <= d.reach;
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
        let touch = |i: usize| Touch { column: 0, harmed: i as u32, day: 100.0 + i as f64, weight: 1.0 };
        let harm = |(i, w): (usize, &f64)| Harmed {
            day: 100.0 + i as f64 + w,
            stratum: 0,
            risk: 1.0,
            canary: false,
        };
        Problem {
            columns: vec![Column { exposure: vec![1.0; 40], strata: vec![(0, 40.0)], ..Column::default() }],
            strata: vec![Stratum { region: 0, things: 1000.0 }],
            harmed: waits.iter().enumerate().map(harm).collect(),
            touches: (0..waits.len()).map(touch).collect(),
            bins: 40,
            bin_days: 9.0,
            horizon: 360.0,
            clock: Clock::Calendar,
        }
    }

    #[test]
    fn calls_before_the_report_are_no_leak() {
        let p = problem(&[0.2, 1.1, 0.4, 2.0, 90.0, 0.1, 0.9]);
        let found = desk(&p, &[false; 7], 0).unwrap();
        assert_eq!((found.all, found.soon), (7, 6));
        assert!(found.leak < 0.25, "{found:?}");
        let left = without(&p, &[false; 7], &[found]);
        assert_eq!(left.touches.iter().map(|t| t.harmed).collect::<Vec<_>>(), [4]);
        assert_eq!(desk(&p, &[true; 7], 0), None, "the losses are dated");
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
            prop_assert_eq!(desk(&problem(&waits), &vec![false; waits.len()], 0), None);
        }
    }
}
