//! The live lane: lines in, alerts out, behind a watermark of 60 s.

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::RecordBatch;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use suyuan_detect::{Evidence, Live, LiveParams, Piece, RuleSet};
use suyuan_model::Kind;

use crate::blocks::Blocks;
use crate::lines::Lines;
use crate::{Alerts, Fault, columns};

/// Lines that are handed over together.
const TOGETHER: u64 = 2_048;
/// A snapshot is taken in slices of about so many bytes, between deliveries.
const SLICE: usize = 128 << 10;

/// The clock of the records: later than all of them, so that none seems to come from the future.
const CLOCK: i64 = i64::MAX / 4;

type Delivery = Vec<(Kind, Arc<RecordBatch>)>;

/// What restarts took, and what was saved.
#[derive(Default)]
struct Restarts {
    count: u64,
    /// How long rows waited for each beginning and slice, nanoseconds.
    pauses: Vec<u64>,
    recovery_us: u64,
    bytes: usize,
    keys: usize,
}

/// Nanoseconds that this thread has run. On a machine that others use too, a clock would count their turns.
fn on_cpu() -> u64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// The median, the 99th of a hundred, and the most of these, in microseconds.
fn spread(mut nanos: Vec<u64>) -> serde_json::Value {
    nanos.sort_unstable();
    let at = |q: f64| nanos.get((nanos.len() as f64 * q) as usize).or(nanos.last()).map(|n| n / 1_000);
    json!({"p50": at(0.5), "p99": at(0.99), "max": at(1.0)})
}

struct Lane<'r> {
    rules: &'r RuleSet,
    evidence: Evidence,
    live: Live<'r>,
    out: Alerts,
    /// What was delivered since the oldest row that still waits, with the number of its first row.
    kept: VecDeque<(u64, Delivery)>,
    restarts: Restarts,
    /// What each delivery took, nanoseconds.
    deliveries: Vec<u64>,
}

/// Runs the lane.
pub fn run(rules: &RuleSet, events: &Path, out: &Path, options: &[&str]) -> Result<(), Fault> {
    let evidence = if options.contains(&"refs") { Evidence::Rows } else { Evidence::Trigger };
    let every: Option<u64> = options.iter().find_map(|o| o.strip_prefix("restart=")?.parse().ok());
    let together = if options.contains(&"latency") { 1 } else { TOGETHER };
    let mut lane = Lane {
        rules,
        evidence,
        live: Live::new(rules, LiveParams::default()).telling(evidence),
        out: Alerts::to(out)?,
        kept: VecDeque::new(),
        restarts: Restarts::default(),
        deliveries: Vec::new(),
    };
    let mut lines = Lines::new(&columns(rules))?;
    let mut input = Blocks::open(events)?;
    let mut n = 0u64;
    let mut times: Vec<u32> = Vec::new();
    while let Some(mut text) = input.next()? {
        while !text.is_empty() {
            let begin = (together == 1).then(Instant::now);
            text = &text[lines.push(text)?..];
            n += 1;
            if n.is_multiple_of(together) {
                lane.deliver(&mut lines, every.is_some())?;
            }
            times.extend(begin.map(|b| b.elapsed().as_nanos() as u32));
            if every.is_some_and(|e| n.is_multiple_of(e)) {
                lane.deliver(&mut lines, true)?;
                lane.restart()?;
            }
        }
    }
    lane.deliver(&mut lines, false)?;
    lane.live.finish();
    lane.tell()?;
    lane.out.out.flush()?;
    times.sort_unstable();
    let at = |q: f64| times.get((times.len() as f64 * q) as usize).copied();
    let late: u64 = lane.live.counts().late.values().sum();
    let deliveries = std::mem::take(&mut lane.deliveries);
    let r = &mut lane.restarts;
    let pauses = std::mem::take(&mut r.pauses);
    println!(
        "{}",
        json!({"rows": n, "alerts": lane.out.alerts, "evidence_rows": lane.out.rows, "late": late, "keys": lane.live.keys(),
            "delivery_us": spread(deliveries), "p50_ns": at(0.5), "p99_ns": at(0.99), "p999_ns": at(0.999), "max_ns": times.last(), "restarts": r.count,
            "pause_us": spread(pauses), "recovery_us": r.recovery_us, "state_bytes": r.bytes, "state_keys": r.keys})
    );
    Ok(())
}

impl Lane<'_> {
    fn deliver(&mut self, lines: &mut Lines, keep: bool) -> Result<(), Fault> {
        let delivery: Delivery = lines.take()?.into_iter().map(|(k, b)| (k, Arc::new(b))).collect();
        if keep {
            self.kept.push_back((self.live.counts().arrived, delivery.clone()));
        }
        let begin = on_cpu();
        self.live.push_all(&delivery, CLOCK)?;
        self.tell()?;
        self.deliveries.push(on_cpu() - begin);
        Ok(())
    }

    fn tell(&mut self) -> Result<(), Fault> {
        let (out, mut wrong) = (&mut self.out, None);
        self.live.each_alert(&mut |a| wrong = wrong.take().or(out.write(&a).err()));
        wrong.map_or(Ok(()), |e| Err(e.into()))
    }

    /// Saves the state, drops it, and goes on from what was saved. A row would have waited for the
    /// beginning, or for one slice.
    fn restart(&mut self) -> Result<(), Fault> {
        let begin = on_cpu();
        let (position, mut pieces) = self.live.begin(true);
        self.restarts.pauses.push(on_cpu() - begin);
        loop {
            let begin = on_cpu();
            let slice: Option<Vec<Piece>> = self.live.slice(SLICE);
            self.restarts.pauses.push(on_cpu() - begin);
            match slice {
                Some(slice) => pieces.extend(slice),
                None => break,
            }
        }
        let bytes = pieces.iter().map(|p| p.bytes.len()).sum();
        let r = &mut self.restarts;
        r.count += 1;
        if bytes > r.bytes {
            (r.bytes, r.keys) = (bytes, self.live.keys());
        }
        let begin = on_cpu();
        self.live =
            Live::restore(self.rules, LiveParams::default(), &position, pieces)?.telling(self.evidence);
        self.again(position.offset)?;
        self.restarts.recovery_us = self.restarts.recovery_us.max((on_cpu() - begin) / 1_000);
        self.tell()
    }

    /// Gives the rows from that number on again.
    fn again(&mut self, offset: u64) -> Result<(), Fault> {
        while self.kept.get(1).is_some_and(|(first, _)| *first <= offset) {
            self.kept.pop_front();
        }
        for (first, delivery) in &self.kept {
            let mut skip = offset.saturating_sub(*first) as usize;
            let mut rest = Vec::new();
            for (kind, batch) in delivery {
                let n = skip.min(batch.num_rows());
                skip -= n;
                if n < batch.num_rows() {
                    rest.push((*kind, Arc::new(batch.slice(n, batch.num_rows() - n))));
                }
            }
            self.live.push_all(&rest, CLOCK)?;
        }
        Ok(())
    }
}
