//! A queue: between the capture of the face and the submission, the same device served others.

use std::collections::VecDeque;

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::HOUR;

use super::{About, Check, Spec, Tally};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// Nobody queues longer.
const LONGEST: i64 = 3 * HOUR;

pub(crate) static SPEC: Spec = Spec {
    name: "queue",
    what: (
        "a queue: others were served between capture and submission",
        "排队：采集与提交之间在办理他人业务",
    ),
    reads: &[Kind::Opening],
    params: &[],
    build: |_, b| {
        Box::new(Queue {
            device: b.slot(Kind::Opening, "device"),
            captured_at: b.slot(Kind::Opening, "captured_at"),
            recent: KeyMap::default(),
            tally: Tally::default(),
        })
    },
};

struct Queue {
    device: Slot,
    captured_at: Slot,
    /// Latest submissions per device.
    recent: KeyMap<VecDeque<i64>>,
    tally: Tally,
}

impl Queue {
    fn busy(&self, device: Option<Key>, from: i64, to: i64) -> bool {
        to - from <= LONGEST
            && device
                .and_then(|d| self.recent.get(&d))
                .is_some_and(|l| l.iter().any(|t| *t >= from && *t < to))
    }
}

impl Check for Queue {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        if let Some(captured) = row.time(self.captured_at) {
            let busy = self.busy(row.key(self.device), captured, row.ts);
            self.tally.row(n, busy);
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        if let Some(d) = row.key(self.device) {
            let list = self.recent.entry(d).or_default();
            while list.front().is_some_and(|t| row.ts - t > LONGEST) {
                list.pop_front();
            }
            list.push_back(row.ts);
        }
    }
    fn explained(&self, n: usize) -> u64 {
        self.tally.get(n).0
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        self.tally.outcome(
            n,
            ("openings with a capture time", "笔有采集时间的开卡"),
            (
                "waited while the same device served others (at most 3 h)",
                "笔等候期间同一终端在办理他人业务（3小时内）",
            ),
        )
    }
}
