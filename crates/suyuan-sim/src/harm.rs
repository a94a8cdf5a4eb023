//! Harm without an insider, and settlement: victims of fraud, monthly commissions.

use suyuan_model::time::{self, DAY, SECOND};

use crate::org::midnight;
use crate::out::source;
use crate::rng::Rng;
use crate::rows::{self, Val, yuan};
use crate::sim::{Due, MINUTE, Sim};

/// Victims among the customers, reported with the number of the swindler unknown to this carrier.
pub fn victims(sim: &mut Sim, day: i64, rng: &mut Rng) {
    let places = sim.world.place.len();
    let total: u64 = sim.people.homes[..places].iter().map(|h| h.customers).sum();
    for place in 0..places {
        let share = sim.people.homes[place].customers as f64 / total as f64;
        // Some places are riskier than others all year.
        let sd = sim.world.background.outlet_risk_sd / 2.0;
        let factor = sim.wave(place, day) * Rng::stream(sim.seed, "place", place as u64).log_normal(sd);
        for _ in 0..rng.poisson(sim.volume.victims * share * factor) {
            let person = sim.customer(place, rng);
            let id = sim.people.id(person);
            let ts = midnight(day) + rng.range(8 * 60, 22 * 60) * MINUTE + rng.range(0, 59) * SECOND;
            write_victim(sim, ts, &id, rng);
            if rng.chance(0.08) {
                misused(sim, ts + rng.range(1, 12) * DAY, &id);
            }
        }
    }
}

/// A fraud report of which only the victim is known. Gives the case.
pub fn write_victim(sim: &mut Sim, ts: i64, id: &str, rng: &mut Rng) -> String {
    const KINDS: [&str; 5] = ["冒充客服", "刷单返利", "虚假贷款", "冒充公检法", "虚假征信"];
    let case = sim.case(ts, rng);
    let loss = (rng.log_normal(1.2) * 1_400_000.0) as i64;
    sim.out.put(
        ts,
        &source::RISK,
        &rows::FraudReport {
            case: (&case).into(),
            victim: id.into(),
            loss_cny: yuan(loss),
            kind: (*rng.pick(&KINDS)).into(),
            reported_at: Val::Time(ts.div_euclid(SECOND) * SECOND),
            ..Default::default()
        },
    );
    case
}

/// A victim asks how the swindler knew so much.
fn misused(sim: &mut Sim, ts: i64, id: &str) {
    let order = sim.order(ts);
    sim.out.put(
        ts,
        &source::RISK,
        &rows::Complaint {
            subject: id.into(),
            kind: "data_misused".into(),
            order: (&order).into(),
            ..Default::default()
        },
    );
}

/// Commissions of last month, on the fifth.
pub fn commissions(sim: &mut Sim, day: i64) {
    let (y, m, d) = time::civil_from_days(day);
    if d != 5 {
        return;
    }
    let first = time::days_from_civil(y, m, 1);
    let (py, pm, _) = time::civil_from_days(first - 1);
    let month = format!("{py:04}-{pm:02}");
    let (due, later): (Vec<_>, Vec<_>) = sim.commissions.drain(..).partition(|c| c.day < first);
    sim.commissions = later;
    for (n, Due { outlet, card, fen, .. }) in due.into_iter().enumerate() {
        let o = &sim.org.outlets[outlet as usize];
        let own = || o.agent.clone().unwrap_or_else(|| o.id.clone());
        let payee = sim.payees.get(&card).cloned().unwrap_or_else(own);
        let ts = midnight(day) + 150 * MINUTE + n as i64 / 4 % 20_000 * SECOND;
        sim.out.put(
            ts,
            &source::SETTLE,
            &rows::Commission {
                payee: (&payee).into(),
                card: (&card.iccid()).into(),
                amount_cny: yuan(fen),
                month: (&month).into(),
            },
        );
    }
}
