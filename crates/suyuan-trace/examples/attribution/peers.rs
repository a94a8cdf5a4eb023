//! What others do with the same counts: lift, chi-square, hypergeometric tail with Benjamini-Hochberg,
//! greedy set cover, and BreachRadar as its claim describes it.
//!
//! Peers see what the model sees: distinct things of each column, and harmed things touched before their
//! harm. BreachRadar's blame alternation is patented (US 10284590, US 10749892): it stands here to be
//! measured against and is no part of the product. Its pseudo-counts are picked with the truth, world by
//! world, which flatters it.

use std::collections::BTreeMap;

use suyuan_trace::attribute::Problem;

/// A peer's score of every column and, where it has one, its list.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// Higher is more suspect.
    pub score: Vec<f64>,
    /// Columns in its list.
    pub listed: Vec<usize>,
}

struct Counts {
    things: Vec<f64>,
    harmed: Vec<f64>,
    /// `(column, harmed thing, bin, touches)` before the harm.
    edges: Vec<(u32, u32, u32, f64)>,
    all: f64,
    bad: f64,
}

fn counts(p: &Problem) -> Counts {
    let mut edges: Vec<(u32, u32, u32, f64)> = Vec::new();
    let mut harmed = vec![0.0; p.columns.len()];
    for t in p.touches.iter().filter(|t| p.harmed[t.harmed as usize].day > t.day) {
        let bin = p.bin(t.day) as u32;
        match edges.last_mut() {
            Some(e) if (e.0, e.1) == (t.column, t.harmed) => {
                if e.2 == bin {
                    e.3 += 1.0;
                    continue;
                }
            }
            _ => harmed[t.column as usize] += 1.0,
        }
        edges.push((t.column, t.harmed, bin, 1.0));
    }
    Counts {
        things: p.columns.iter().map(|c| c.strata.iter().map(|s| s.1).sum()).collect(),
        harmed,
        edges,
        all: p.strata.iter().map(|s| s.things).sum(),
        bad: p.harmed.len() as f64,
    }
}

/// All peers; `precision` scores a ranking with the truth, for BreachRadar's choice.
pub fn all(p: &Problem, precision: &dyn Fn(&[f64]) -> f64) -> Vec<Peer> {
    let c = counts(p);
    let rate = c.bad / c.all;
    let each = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
        c.things.iter().zip(&c.harmed).map(|(n, k)| f(*n, *k)).collect()
    };
    let lift = each(&|n, k| if n >= 50.0 && k >= 5.0 { k / n / rate } else { 0.0 });
    let chi = each(&|n, k| {
        let e = n * rate;
        (k - e) * (k - e).abs() / (e * (1.0 - rate)).max(1e-9)
    });
    let tail = Tail::new(c.all as usize);
    let log_p = each(&|n, k| tail.hypergeometric(k as usize, n as usize, c.bad as usize));
    let listed = benjamini_hochberg(&log_p, 0.05);
    let radar = |bins: u32| {
        [0.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
            .into_iter()
            .map(|b| breach_radar(p, &c, bins, b))
            .max_by(|a, b| precision(a).total_cmp(&precision(b)))
            .unwrap_or_default()
    };
    let peer = |name, score| Peer { name, score, listed: Vec::new() };
    vec![
        peer("lift", lift),
        peer("chi-square", chi),
        Peer { name: "hypergeometric", score: log_p.iter().map(|x| -x).collect(), listed },
        peer("set cover", set_cover(&c)),
        peer("BreachRadar", radar(u32::MAX)),
        peer("BreachRadar by month", radar(3)),
    ]
}

/// Logarithms of factorials.
struct Tail(Vec<f64>);

impl Tail {
    fn new(n: usize) -> Tail {
        let mut out = vec![0.0; n + 2];
        for i in 1..out.len() {
            out[i] = out[i - 1] + (i as f64).ln();
        }
        Tail(out)
    }

    fn choose(&self, n: usize, k: usize) -> f64 {
        self.0[n] - self.0[k] - self.0[n - k]
    }

    /// Log chance of `k` or more bad among `n` drawn of all, where `bad` of all are bad.
    fn hypergeometric(&self, k: usize, n: usize, bad: usize) -> f64 {
        let all = self.0.len() - 2;
        if n == 0 || k as f64 <= n as f64 * bad as f64 / all as f64 {
            return 0.0;
        }
        let term = |j: usize| self.choose(bad, j) + self.choose(all - bad, n - j) - self.choose(all, n);
        let first = term(k);
        let mut sum = 0.0;
        for j in k..=n.min(bad) {
            let x = (term(j) - first).exp();
            sum += x;
            if x < 1e-15 * sum {
                break;
            }
        }
        (first + sum.ln()).min(0.0)
    }
}

fn benjamini_hochberg(log_p: &[f64], level: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..log_p.len()).collect();
    order.sort_by(|a, b| log_p[*a].total_cmp(&log_p[*b]));
    let n = order.len() as f64;
    let last = order.iter().enumerate().rposition(|(i, c)| log_p[*c] <= (level * (i + 1) as f64 / n).ln());
    order.truncate(last.map_or(0, |i| i + 1));
    order
}

/// Names the column whose harm exceeds its share most, takes its harmed things away, and again.
fn set_cover(c: &Counts) -> Vec<f64> {
    let rate = c.bad / c.all;
    let mut score = vec![0.0; c.things.len()];
    let mut gone = vec![false; c.bad as usize];
    for round in 0..60 {
        let mut k = vec![0.0; c.things.len()];
        let mut last = (u32::MAX, 0);
        for e in c.edges.iter().filter(|e| !gone[e.1 as usize]) {
            if (e.0, e.1) != last {
                k[e.0 as usize] += 1.0;
                last = (e.0, e.1);
            }
        }
        let gain = |a: usize| -> f64 {
            let e = c.things[a] * rate;
            if score[a] > 0.0 || k[a] <= e { 0.0 } else { k[a] * (k[a] / e).ln() - (k[a] - e) }
        };
        let Some(best) = (0..k.len()).max_by(|a, b| gain(*a).total_cmp(&gain(*b))) else { break };
        score[best] = f64::from(100 - round);
        c.edges.iter().filter(|e| e.0 as usize == best).for_each(|e| gone[e.1 as usize] = true);
    }
    score
}

/// Blame of each harmed thing is shared over its places in proportion to the places' own blame per thing.
fn breach_radar(p: &Problem, c: &Counts, bins: u32, pseudo: f64) -> Vec<f64> {
    let mut index: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let mut places: Vec<(u32, f64)> = Vec::new();
    let mut edges: Vec<(usize, usize, f64)> = Vec::new();
    for (a, h, bin, n) in &c.edges {
        let part = if bins == u32::MAX { 0 } else { bin / bins };
        let place = *index.entry((*a, part)).or_insert_with(|| {
            let seen = if bins == u32::MAX {
                c.things[*a as usize]
            } else {
                p.columns[*a as usize].exposure.iter().skip((part * bins) as usize).take(bins as usize).sum()
            };
            places.push((*a, seen));
            places.len() - 1
        });
        edges.push((place, *h as usize, *n));
    }
    let mut of_thing = vec![0.0; c.bad as usize];
    let share = |edges: &mut [(usize, usize, f64)], of_thing: &mut [f64]| {
        of_thing.fill(0.0);
        edges.iter().for_each(|e| of_thing[e.1] += e.2);
        edges.iter_mut().for_each(|e| e.2 /= of_thing[e.1]);
    };
    share(&mut edges, &mut of_thing);
    let mut blame = vec![0.0; places.len()];
    for _ in 0..60 {
        let prior = if pseudo > 0.0 { 1.0 } else { 0.0 };
        blame.fill(prior);
        edges.iter().for_each(|e| blame[e.0] += e.2);
        for (b, place) in blame.iter_mut().zip(&places) {
            *b /= place.1 + pseudo + 1e-12;
        }
        edges.iter_mut().for_each(|e| e.2 = blame[e.0]);
        share(&mut edges, &mut of_thing);
    }
    let mut out = vec![0.0f64; c.things.len()];
    for (b, (a, _)) in blame.iter().zip(&places) {
        out[*a as usize] = out[*a as usize].max(*b);
    }
    out
}
