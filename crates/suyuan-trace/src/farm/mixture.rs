//! How probable it is that a user belongs to a group: members touch its rows at the rows' own rates, on top of chance.

use super::grow::occasions;
use super::rows::Stretch;

/// Outside popularity leans on this many touches of the stratum's own: where a group is all there is, nothing else is known.
pub const LEAN: f64 = 200.0;
/// Rounds of expectation and maximisation at most.
const ROUNDS: usize = 40;

/// A user who touched rows of a group.
#[derive(Clone, Debug)]
pub struct User {
    pub place: usize,
    /// Touched rows (their position in the group), each with its occasion.
    pub touches: Vec<(usize, u32)>,
    pub occasions: u32,
    /// Occasions that the user's activity explains, by the rows' popularity outside the group.
    pub expected: f64,
    /// That the user belongs to the group.
    pub probability: f64,
}

/// Everyone who touched any of the rows (ascending), each with a probability; and the occasions a member has beyond chance.
///
/// Two kinds of users by expectation-maximisation, given that they touched anything at all: others touch row `j` as a Poisson
/// process of mean `activity * popularity outside the group`, members at the rate `q_j` on top. Of one occasion only the most
/// telling touch counts.
pub fn fit(s: &Stretch, rows: &[usize]) -> (Vec<User>, f64) {
    let mut by_place: Vec<(usize, usize, u32)> = Vec::new();
    for (j, r) in rows.iter().enumerate() {
        by_place.extend(s.touched(*r).map(|(p, event)| (p as usize, j, event)));
    }
    by_place.sort_unstable();
    let mut users: Vec<User> = by_place
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| {
            let occasions = occasions(same.iter().map(|t| t.2).collect());
            let touches = same.iter().map(|t| (t.1, t.2)).collect();
            let probability = if occasions >= 2 { 0.9 } else { 0.05 };
            User { place: same[0].0, touches, occasions, expected: 0.0, probability }
        })
        .collect();
    let mut rates = vec![0.0; rows.len()];
    let mut outside: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let weight: f64 = users.iter().map(|u| u.probability).sum();
        if weight < 1.0 {
            break;
        }
        rates.fill(0.0);
        for u in &users {
            u.touches.iter().for_each(|t| rates[t.0] += u.probability / weight);
        }
        let share = (weight / users.len() as f64).clamp(1e-6, 1.0 - 1e-6);
        s.outside(
            rows,
            users.iter().map(|u| (u.place, u.probability, u.touches.as_slice())),
            LEAN,
            &mut outside,
        );
        let rate: f64 = rates.iter().sum();
        let mut moved: f64 = 0.0;
        for u in &mut users {
            let mut expected = 0.0;
            let mean: Vec<f64> = (0..rows.len())
                .map(|j| s.activity(u.place, rows[j]) * outside[j * s.strata() + s.stratum(u.place, rows[j])])
                .inspect(|m| expected += m)
                .collect();
            let log = told(&u.touches, &rates, &mean) - rate - seen(expected + rate) + seen(expected);
            let p = 1.0 / (1.0 + (-(log + (share / (1.0 - share)).ln())).exp());
            moved = moved.max((p - u.probability).abs());
            (u.probability, u.expected) = (p, expected);
        }
        if moved < 1e-6 {
            break;
        }
    }
    let weight: f64 = users.iter().map(|u| u.probability).sum::<f64>().max(1e-9);
    let beyond =
        users.iter().map(|u| u.probability * (f64::from(u.occasions) - u.expected)).sum::<f64>() / weight;
    (users, beyond)
}

/// `ln P(k >= 1)`: those who touched nothing are not seen.
fn seen(mean: f64) -> f64 {
    (-(-mean).exp_m1()).max(1e-300).ln()
}

/// What touches tell for membership, nats: of each occasion the most telling one.
fn told(touches: &[(usize, u32)], rates: &[f64], mean: &[f64]) -> f64 {
    let mut each: Vec<(u32, f64)> =
        touches.iter().map(|(j, event)| (*event, (rates[*j] / mean[*j].max(1e-12)).ln_1p())).collect();
    each.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    // Touches on several occasions are each their own.
    each.chunk_by(|a, b| a.0 == b.0 && a.0 != super::rows::SEVERAL).map(|same| same[0].1).sum()
}
