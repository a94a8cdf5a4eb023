//! How many cards a ring opens on which day.

use suyuan_model::time;

use crate::ring::Plan;
use crate::sim::Sim;
use crate::world::RingKind;

/// Days around the Spring Festival of 2020 on which nobody worked.
const PAUSE: [&str; 2] = ["2020-01-22", "2020-02-10"];

impl Plan<'_> {
    /// How many openings on which day: low and slow, no work at the festival.
    pub(crate) fn counts(&mut self, sim: &Sim) -> Vec<(i64, i64)> {
        if self.ring.per_day[1] > 0 {
            return self.steady(sim);
        }
        let pause = PAUSE.map(|d| time::parse_day(d).unwrap_or(0));
        let last = (self.first + self.days).min(sim.end - 1);
        let bulk = self.ring.kind == RingKind::LabourBulk;
        let mut weights = Vec::new();
        for day in self.first..last {
            let off = (pause[0]..pause[1]).contains(&day) || self.rng.chance(0.03);
            let burst = !bulk || (day - self.first) % 12 == 3;
            let sunday = if crate::org::weekday(day) == 7 { 0.6 } else { 1.0 };
            weights.push(if off || !burst { 0.0 } else { sunday * self.rng.log_normal(0.25) });
        }
        let total: f64 = weights.iter().sum();
        let (mut sum, mut given) = (0.0, 0);
        let mut counts = Vec::new();
        for (n, weight) in weights.into_iter().enumerate() {
            sum += weight;
            let upto = (sum / total * self.cards as f64 + 0.5) as i64;
            if upto > given {
                counts.push((self.first + n as i64, upto - given));
            }
            given = upto.max(given);
        }
        // The last step closes the sum whatever the rounding.
        if let Some(last) = counts.last_mut() {
            last.1 += self.cards - given;
        }
        counts
    }

    /// A few openings on every working day until the cards are all opened or the time is over.
    fn steady(&mut self, sim: &Sim) -> Vec<(i64, i64)> {
        let pause = PAUSE.map(|d| time::parse_day(d).unwrap_or(0));
        let last = (self.first + self.days).min(sim.end - 1);
        let [least, most] = self.ring.per_day;
        let mut counts = Vec::new();
        let mut given = 0;
        for day in self.first..last {
            let off = (pause[0]..pause[1]).contains(&day) || self.rng.chance(0.08);
            let n = self.rng.range(least, most).min(self.cards - given);
            if !off && n > 0 {
                counts.push((day, n));
                given += n;
            }
        }
        self.cards = given;
        counts
    }
}
