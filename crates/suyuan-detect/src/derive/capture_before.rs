//! When, where, by whom and under which pretext the face of an opening was taken.
//!
//! A capture belongs to an opening when it holds the same image. `capture_delay_s` needs no capture record: it
//! is the opening's time less its own `captured_at`.

use std::sync::Arc;

use suyuan_model::Kind;
use suyuan_model::time::{DAY, SECOND};

use super::{FieldDef, Operator, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::{Registry, other_province};
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

/// A face older than this is not kept by any counter's queue.
const MEMORY: i64 = 180 * DAY;

pub(crate) static SPEC: Spec = Spec {
    name: "capture_before",
    what: (
        "when, where, by whom and under which pretext the opening's face was taken",
        "开卡所用人像于何时何地、由何人、以何事由采集",
    ),
    on: &[Kind::Opening],
    observes: &[Kind::Capture],
    params: &[],
    fields,
    build: |_, b| {
        Box::new(Captures {
            image: b.slot(Kind::Opening, "image_hash"),
            captured_at: b.slot(Kind::Opening, "captured_at"),
            region: b.slot(Kind::Opening, "region6"),
            device: b.slot(Kind::Opening, "device"),
            c_image: b.slot(Kind::Capture, "image_hash"),
            c_region: b.slot(Kind::Capture, "region6"),
            c_device: b.slot(Kind::Capture, "device"),
            c_outlet: b.slot(Kind::Capture, "outlet"),
            c_collector: b.slot(Kind::Capture, "collector"),
            c_pretext: b.slot(Kind::Capture, "pretext"),
            by_image: Table::default(),
        })
    },
};

fn fields(_: &super::Params) -> Vec<FieldDef> {
    vec![
        def(
            "capture_delay_s",
            Ty::Int,
            "seconds from the face's capture to submission",
            "人像采集至提交秒数",
        ),
        def("capture_age_s", Ty::Int, "seconds since the same image was captured", "同一图像采集至开卡秒数"),
        def("capture_pretext", Ty::Text, "reason given at the capture", "采集事由"),
        def("capture_collector", Ty::Text, "who captured", "采集人"),
        def(
            "capture_same_device",
            Ty::Bool,
            "captured on the device that opened the card",
            "采集与开卡为同一终端",
        ),
        def(
            "capture_other_province",
            Ty::Bool,
            "captured in another province than declared at the opening",
            "采集地与申报开卡地不同省",
        ),
        def("capture_outlet", Ty::Text, "outlet of the capture", "采集网点"),
    ]
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Taken {
    ts: i64,
    region: Option<Arc<str>>,
    device: Option<Key>,
    outlet: Option<Arc<str>>,
    collector: Option<Arc<str>>,
    pretext: Option<Arc<str>>,
}

struct Captures {
    image: Slot,
    captured_at: Slot,
    region: Slot,
    device: Slot,
    c_image: Slot,
    c_region: Slot,
    c_device: Slot,
    c_outlet: Slot,
    c_collector: Slot,
    c_pretext: Slot,
    /// The first capture of each image.
    by_image: Table<Taken>,
}

saved!(Captures, tables: [by_image]);

impl Operator for Captures {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        if row.kind() != Kind::Opening {
            return;
        }
        out[0] = row.time(self.captured_at).map(|t| (row.ts - t) / SECOND).into();
        let taken = row.key(self.image).and_then(|k| self.by_image.get(&k));
        let Some(t) = taken.filter(|t| row.ts - t.ts <= MEMORY) else { return };
        out[1] = Val::Int((row.ts - t.ts) / SECOND);
        out[2] = t.pretext.clone().into();
        out[3] = t.collector.clone().into();
        out[4] = t.device.zip(row.key(self.device)).map(|(a, b)| a == b).into();
        out[5] =
            t.region.as_deref().zip(row.text(self.region)).and_then(|(a, b)| other_province(a, b)).into();
        out[6] = t.outlet.clone().into();
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Capture {
            return;
        }
        let Some(image) = row.key(self.c_image) else { return };
        let text = |s| row.text(s).map(Arc::<str>::from);
        let taken = || Taken {
            ts: row.ts,
            region: text(self.c_region),
            device: row.key(self.c_device),
            outlet: text(self.c_outlet),
            collector: text(self.c_collector),
            pretext: text(self.c_pretext),
        };
        match self.by_image.get_mut(&image) {
            Some(t) if row.ts - t.ts <= MEMORY => {}
            Some(t) => *t = taken(),
            None => {
                self.by_image.insert(image, taken());
            }
        }
    }
    fn expire(&mut self, now: i64) {
        self.by_image.retain(|_, t| now - t.ts <= MEMORY);
    }
}
