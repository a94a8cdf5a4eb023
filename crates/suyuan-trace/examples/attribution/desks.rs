//! Many accounts of one hall without outlets, as the bench of source attribution at size makes them: activity is
//! heavy-tailed, risk is the same for everybody and at all times, and some leak three in ten of what they look up.

use suyuan_trace::attribute::Clock;

use crate::dice::Dice;
use crate::world::{Leak, Touch, Who, World};

/// What a hall is like.
#[derive(Clone, Copy)]
pub struct Hall {
    /// Look-ups.
    pub touches: usize,
    /// People.
    pub persons: usize,
    /// Leaking accounts.
    pub leaks: usize,
}

const ACCOUNTS: usize = 8000;
const DAYS: usize = 180;
/// Days of a leak, the share of records that become known fraud, and the mean delay in days.
const LEAK: (usize, f64, f64) = (60, 0.3, 30.0);
/// Share of people harmed from outside.
const OUTSIDE: f64 = 0.002;

/// Makes the hall.
pub fn make(hall: &Hall, seed: u64) -> World {
    let mut d = Dice::new(seed);
    let mut touches: Vec<Touch> = (0..hall.touches)
        .map(|_| {
            let column = (ACCOUNTS as f64 * d.unit().powi(2)) as u32;
            Touch { thing: d.below(hall.persons) as u32, column, day: d.below(DAYS) as u16 }
        })
        .collect();
    let mut harm = vec![f64::INFINITY; hall.persons];
    let mut at = |person: u32, day: f64| {
        let slot = &mut harm[person as usize];
        let earlier = day < DAYS as f64 && day < *slot;
        *slot = if earlier { day } else { *slot };
        earlier
    };
    let leaks: Vec<Leak> = (0..hall.leaks)
        .map(|i| {
            let (account, start) = (137 + 300 * i as u32, (10 + d.below(60)) as f64);
            let window = (start, start + LEAK.0 as f64);
            let mut harmed = 0;
            for t in touches.iter().filter(|t| t.column == account) {
                let day = f64::from(t.day);
                if (window.0..window.1).contains(&day) && d.chance(LEAK.1) {
                    harmed += u32::from(at(t.thing, day + d.exponential(LEAK.2)));
                }
            }
            Leak { accounts: vec![account], terminal: None, window, harmed }
        })
        .collect();
    for _ in 0..(OUTSIDE * hall.persons as f64) as usize {
        at(d.below(hall.persons) as u32, d.unit() * DAYS as f64);
    }
    touches.sort_by_key(|t| t.thing);
    World {
        who: vec![Who { whole: None, outlet: None }; ACCOUNTS],
        touches,
        region: vec![0; hall.persons],
        outlets: Vec::new(),
        harm,
        horizon: DAYS as f64,
        clock: Clock::Calendar,
        leaks,
    }
}
