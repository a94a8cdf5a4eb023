//! What a made-up world holds: touches, harm, and the truth that only the scores may read.

use std::collections::BTreeSet;

use suyuan_trace::attribute::{Clock, Column, Harmed, Problem, Risks, Stratum, Touch as Edge};

/// An account, or an account at one terminal, touched a thing.
#[derive(Clone, Copy)]
pub struct Touch {
    /// Person or card.
    pub thing: u32,
    /// Column.
    pub column: u32,
    /// Day since the start.
    pub day: u16,
}

/// A column.
#[derive(Clone, Copy)]
pub struct Who {
    /// The account of which it is a part.
    pub whole: Option<u32>,
    /// Its outlet; none for central desks.
    pub outlet: Option<u32>,
}

/// One planted leak.
pub struct Leak {
    /// Columns that must be named: the account, or a pair.
    pub accounts: Vec<u32>,
    /// The terminal's column where the leak ran through one terminal.
    pub terminal: Option<u32>,
    /// Its days, from and until.
    pub window: (f64, f64),
    /// Things harmed by it and known.
    pub harmed: u32,
}

/// A world.
pub struct World {
    /// Columns.
    pub who: Vec<Who>,
    /// Touches, by thing.
    pub touches: Vec<Touch>,
    /// Region of each thing.
    pub region: Vec<u32>,
    /// Region of each outlet.
    pub outlets: Vec<u32>,
    /// Day of known harm of each thing; later than the horizon for none.
    pub harm: Vec<f64>,
    /// Length of the records, days.
    pub horizon: f64,
    /// How honest risk runs.
    pub clock: Clock,
    /// The truth.
    pub leaks: Vec<Leak>,
}

impl World {
    /// Columns that leaked; partners and terminals too.
    pub fn guilty(&self) -> BTreeSet<u32> {
        self.leaks.iter().flat_map(|l| l.accounts.iter().copied().chain(l.terminal)).collect()
    }

    /// The account of a column.
    pub fn account(&self, column: u32) -> u32 {
        self.who[column as usize].whole.unwrap_or(column)
    }

    /// The question as the product would ask it: a thing belongs to the outlet that touches it most,
    /// else to its region; what was not harmed is only counted.
    pub fn problem(&self) -> Problem {
        let (bins, bin_days) = Problem::bins_for(self.horizon);
        let regions = self.region.iter().map(|r| *r + 1).max().unwrap_or(1);
        let mut strata: Vec<Stratum> =
            self.outlets.iter().map(|r| Stratum { region: *r, things: 0.0 }).collect();
        strata.extend((0..regions).map(|region| Stratum { region, things: 0.0 }));
        let mut p = Problem {
            columns: self
                .who
                .iter()
                .map(|w| Column {
                    level: u8::from(w.whole.is_some()),
                    exposure: vec![0.0; bins],
                    whole: w.whole,
                    strata: Vec::new(),
                })
                .collect(),
            strata,
            harmed: Vec::new(),
            touches: Vec::new(),
            bins,
            bin_days,
            horizon: self.horizon,
            clock: self.clock,
        };
        let mut touched = vec![0; self.harm.len()];
        for t in self.touches.iter().filter(|t| self.who[t.column as usize].whole.is_none()) {
            touched[t.thing as usize] += 1;
        }
        let harmed = (0..self.harm.len()).filter(|i| self.harm[*i] < self.horizon);
        let risks = Risks::fit(touched.iter().copied(), harmed.map(|t| touched[t]));
        let mut pairs: Vec<(u32, u32, f64)> = Vec::new();
        let mut at = 0;
        while at < self.touches.len() {
            let thing = self.touches[at].thing;
            let end = at + self.touches[at..].partition_point(|t| t.thing == thing);
            self.count(&mut p, at..end, risks.of(touched[thing as usize]), &mut pairs);
            at = end;
        }
        pairs.sort_by_key(|x| (x.0, x.1));
        for (column, stratum, risk) in pairs {
            match p.columns[column as usize].strata.last_mut() {
                Some(x) if x.0 == stratum => x.1 += risk,
                _ => p.columns[column as usize].strata.push((stratum, risk)),
            }
        }
        let order = |t: &Edge| (t.column, t.harmed);
        p.touches.sort_by(|a, b| order(a).cmp(&order(b)).then(a.day.total_cmp(&b.day)));
        p
    }

    /// The outlet with more than half of the touches, by the same vote as the product's; else the region.
    fn stratum(&self, mine: &[Touch]) -> u32 {
        let mut order: Vec<&Touch> = mine.iter().collect();
        order.sort_by_key(|t| t.day);
        let (mut now, mut votes) = (None, 0);
        for outlet in order.iter().filter_map(|t| self.who[t.column as usize].outlet) {
            match votes {
                _ if now == Some(outlet) => votes += 1,
                0 => (now, votes) = (Some(outlet), 1),
                _ => votes -= 1,
            }
        }
        now.unwrap_or(self.outlets.len() as u32 + self.region[mine[0].thing as usize])
    }

    fn count(
        &self,
        p: &mut Problem,
        range: std::ops::Range<usize>,
        risk: f64,
        pairs: &mut Vec<(u32, u32, f64)>,
    ) {
        let mine = &self.touches[range];
        let thing = mine[0].thing as usize;
        let stratum = self.stratum(mine);
        p.strata[stratum as usize].things += risk;
        let mut seen: Vec<(u32, usize)> = mine.iter().map(|t| (t.column, p.bin(f64::from(t.day)))).collect();
        seen.sort_unstable();
        seen.dedup();
        for (i, (column, bin)) in seen.iter().enumerate() {
            p.columns[*column as usize].exposure[*bin] += 1.0;
            if i == 0 || seen[i - 1].0 != *column {
                pairs.push((*column, stratum, risk));
            }
        }
        if self.harm[thing] < self.horizon {
            let harmed = p.harmed.len() as u32;
            p.harmed.push(Harmed { day: self.harm[thing], stratum, risk, canary: false });
            p.touches.extend(mine.iter().map(|t| Edge {
                column: t.column,
                harmed,
                day: f64::from(t.day),
                weight: 1.0,
            }));
        }
    }
}
