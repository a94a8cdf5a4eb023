//! Cards opened by agents; some agents open batches of blank cards that are used in fraud later.
//!
//! A card is touched once, at its opening, by one agent; agents differ in how risky their honest
//! customers are, and so do regions. Only one opened blank card in sixty is ever reported.

use suyuan_trace::attribute::Clock;

use crate::dice::{Dice, Urn};
use crate::world::{Leak, Touch, Who, World};

const AGENTS: usize = 8000;
const OUTLETS: usize = 2500;
const REGIONS: usize = 30;
const CARDS: usize = 1_600_000;
const DAYS: usize = 728;
const AFTER: usize = 60;
/// Share of blank cards that fraud reports name, as in the reference case.
const REPORTED: f64 = 0.0157;
/// Share of honest cards that reports name.
const HONEST: f64 = 4e-4;
/// Spread of the agents' honest risk.
const AGENT_SD: f64 = 0.8;
/// Spread of the regions' risk.
const REGION_SD: f64 = 0.5;

/// Share of agents with honest bursts: campus weeks, a factory that hires, a campaign.
const CAMPAIGNERS: f64 = 0.3;
/// Spread of the risk of one campaign's customers, beside the agent's own.
const CAMPAIGN_SD: f64 = 0.8;

/// Makes the openings with so many batches, and with honest campaigns where wanted.
pub fn make(batches: usize, campaigns: bool, seed: u64) -> World {
    let mut d = Dice::new(seed);
    let horizon = (DAYS + AFTER) as f64;
    let volume: Vec<f64> = (0..AGENTS).map(|_| d.log_normal(148.0, 1.0)).collect();
    let risk: Vec<f64> = (0..AGENTS).map(|_| d.log_normal(1.0, AGENT_SD)).collect();
    let regional: Vec<f64> = (0..REGIONS).map(|_| d.log_normal(1.0, REGION_SD)).collect();
    let outlets: Vec<u32> = (0..OUTLETS).map(|_| d.below(REGIONS) as u32).collect();
    let who: Vec<Who> =
        (0..AGENTS).map(|_| Who { whole: None, outlet: Some(d.below(OUTLETS) as u32) }).collect();
    let agents = Urn::new(&volume);
    let mut opened = [0u32; AGENTS];
    let mut cards: Vec<(u32, u16, bool)> = (0..CARDS)
        .map(|_| {
            let a = agents.draw(&mut d);
            opened[a] += 1;
            (a as u32, d.below(DAYS) as u16, false)
        })
        .collect();
    // The risk of a campaign's customers, by card; one elsewhere.
    let mut riskier: Vec<(usize, f64)> = Vec::new();
    for a in (0..if campaigns { AGENTS } else { 0 }).filter(|_| d.chance(CAMPAIGNERS)).collect::<Vec<_>>() {
        for _ in 0..d.between(1, 2) {
            let n = d.log_normal(150.0, 0.7).clamp(30.0, 1500.0) as usize;
            let (start, length) = (d.below(DAYS - 60), d.between(3, 40));
            let times = d.log_normal(1.0, CAMPAIGN_SD);
            for _ in 0..n {
                riskier.push((cards.len(), times));
                cards.push((a as u32, (start + d.below(length)) as u16, false));
            }
        }
    }
    let mut leaks: Vec<Leak> = Vec::new();
    while leaks.len() < batches {
        let a = d.below(AGENTS) as u32;
        if opened[a as usize] <= 200 || leaks.iter().any(|l| l.accounts[0] == a) {
            continue;
        }
        let n = d.log_normal(403.0, 0.9).clamp(80.0, 3500.0) as usize;
        let (start, length) = (d.below(DAYS - 100), d.between(20, 99));
        cards.extend((0..n).map(|_| (a, (start + d.below(length)) as u16, true)));
        let window = (start as f64, (start + length) as f64);
        leaks.push(Leak { accounts: vec![a], terminal: None, window, harmed: 0 });
    }
    let mut w = World {
        who,
        touches: Vec::with_capacity(cards.len()),
        region: Vec::with_capacity(cards.len()),
        outlets,
        harm: Vec::with_capacity(cards.len()),
        horizon,
        clock: Clock::Age,
        leaks,
    };
    let mut riskier = riskier.into_iter().peekable();
    for (i, (agent, day, blank)) in cards.into_iter().enumerate() {
        let outlet = w.who[agent as usize].outlet.unwrap_or(0);
        let region = w.outlets[outlet as usize];
        let opened = f64::from(day);
        let mut at = f64::INFINITY;
        let times = riskier.next_if(|x| x.0 == i).map_or(1.0, |x| x.1);
        if d.chance(HONEST * risk[agent as usize] * regional[region as usize] * times) {
            at = opened + 1.0 + d.below(400) as f64;
        }
        if blank && d.chance(REPORTED) {
            let used = (opened + 5.0 + d.exponential(70.0)).floor();
            if used < horizon
                && let Some(l) = w.leaks.iter_mut().find(|l| l.accounts[0] == agent)
            {
                l.harmed += 1;
            }
            at = at.min(used);
        }
        w.touches.push(Touch { thing: i as u32, column: agent, day });
        w.region.push(region);
        w.harm.push(at);
    }
    w
}
