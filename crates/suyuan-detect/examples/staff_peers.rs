//! Counts of staff-days as CSV on standard input (day,account,role,outlet,weekday,counts...), in order of days; for the days
//! from the one named on (first argument): day,account,score,rate,told,expected... on standard output.
//!
//! What `bench/eval_staff_peers.py` runs; the model is the detector's own.

use std::collections::BTreeMap;
use std::io::BufRead;

use suyuan_detect::peers::{Baselines, DayCounts, Member, Past, discoveries, surprise};

struct Line {
    account: usize,
    role: usize,
    outlet: usize,
    counts: DayCounts,
}

#[derive(Default)]
struct Account {
    role: usize,
    outlet: usize,
    days: Vec<DayCounts>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let from: i64 = std::env::args().nth(1).ok_or("which day first?")?.parse()?;
    let mut days: BTreeMap<i64, Vec<Line>> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let cells: Vec<i64> = line?.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let [day, account, role, outlet, weekday, counts @ ..] = &cells[..] else {
            return Err("too short".into());
        };
        let counts = counts.iter().map(|c| *c as u32).collect();
        days.entry(*day).or_default().push(Line {
            account: *account as usize,
            role: *role as usize,
            outlet: *outlet as usize,
            counts: DayCounts { day: *day, weekday: *weekday as u8, counts },
        });
    }
    let mut accounts: BTreeMap<usize, Account> = BTreeMap::new();
    let mut past: BTreeMap<usize, Past> = BTreeMap::new();
    let roles = 1 + days.values().flatten().map(|l| l.role).max().unwrap_or(0);
    for (day, lines) in &days {
        for l in lines {
            let a = accounts.entry(l.account).or_default();
            (a.role, a.outlet) = (l.role, l.outlet);
        }
        let members: Vec<Member<'_>> = accounts
            .values()
            .map(|a| Member { role: a.role, outlet: a.outlet, days: &a.days, apart: false })
            .collect();
        let features = lines[0].counts.counts.len();
        let fitted = Baselines::fit(&members, roles, features);
        let scored: Vec<_> = lines
            .iter()
            .map(|l| {
                let a = &accounts[&l.account];
                let m = Member { role: a.role, outlet: a.outlet, days: &a.days, apart: false };
                let expected = fitted.expected(&fitted.usual(&m), m.role, l.counts.weekday, &[]);
                let s = surprise(&l.counts.counts, &expected);
                let rate = past.get(&l.role).map_or(1.0, |p| p.rate(s.score));
                (s, rate, expected)
            })
            .collect();
        let rates: Vec<f64> = scored.iter().map(|s| s.1).collect();
        let told = discoveries(&rates, 0.05);
        for ((l, (s, rate, expected)), told) in lines.iter().zip(&scored).zip(told) {
            if *day >= from {
                let means: Vec<String> = expected.iter().map(|e| format!("{:.3}", e.mean)).collect();
                println!("{day},{},{},{rate:e},{},{}", l.account, s.score, u8::from(told), means.join(","));
            }
            // A week of history before scores are like those to come.
            if *day >= 7 {
                past.entry(l.role).or_default().add(s.score);
            }
        }
        for l in lines {
            if let Some(a) = accounts.get_mut(&l.account) {
                a.days.push(l.counts.clone());
                a.days.retain(|d| d.day > day - 28);
            }
        }
    }
    Ok(())
}
