//! A busy shop: its other devices see as many people on the same days.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};
use suyuan_model::time::china_day;

use super::{About, Check, Spec};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

pub(crate) static SPEC: Spec = Spec {
    name: "busy_outlet",
    what: ("a busy shop whose other devices are as busy", "繁忙网点，其他终端同样繁忙"),
    reads: &[Kind::Opening],
    params: &[],
    build: |_, b| {
        Box::new(Busy {
            device: b.slot(Kind::Opening, "device"),
            outlet: b.slot(Kind::Opening, "outlet"),
            days: KeyMap::default(),
            asked: Vec::new(),
        })
    },
};

struct Busy {
    device: Slot,
    outlet: Slot,
    /// Per outlet and day: openings per device.
    days: KeyMap<Vec<(Key, u64)>>,
    asked: Vec<(usize, Key, Key)>,
}

impl Check for Busy {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        if let (Some(d), Some(o)) = (row.key(self.device), row.key(self.outlet)) {
            let ask = (n, o.and(Key::number(china_day(row.ts))), d);
            if self.asked.last() != Some(&ask) {
                self.asked.push(ask);
            }
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        if let (Some(d), Some(o)) = (row.key(self.device), row.key(self.outlet)) {
            let list = self.days.entry(o.and(Key::number(china_day(row.ts)))).or_default();
            match list.iter_mut().find(|x| x.0 == d) {
                Some(x) => x.1 += 1,
                None => list.push((d, 1)),
            }
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let mut asked: Vec<(Key, Key)> = self.asked.iter().filter(|a| a.0 == n).map(|a| (a.1, a.2)).collect();
        asked.sort_unstable();
        asked.dedup();
        let (mut own, mut others) = (0u64, Vec::new());
        for (day, device) in &asked {
            for (d, k) in self.days.get(day).map_or(&[][..], Vec::as_slice) {
                if d == device { own += k } else { others.push(*k) }
            }
        }
        if asked.is_empty() || others.is_empty() {
            let text = Text::new(
                "no other device of the outlet opened cards on these days",
                "当日该网点没有其他终端开卡",
            );
            return (Outcome::NotCheckable, text);
        }
        others.sort_unstable();
        let usual = others[others.len() / 2].max(1);
        let mean = own as f64 / asked.len() as f64;
        let text = Text::new(
            format!("{mean:.1} openings a day here, {usual} on the outlet's other devices (median)"),
            format!("本终端日均{mean:.1}笔，网点其他终端中位数{usual}笔"),
        );
        (if mean <= 1.5 * usual as f64 { Outcome::Supported } else { Outcome::Excluded }, text)
    }
}
