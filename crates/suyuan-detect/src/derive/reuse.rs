//! For how many different persons the same image, background or face was used.
//!
//! Counts distinct subjects of openings with the same value within `over`, this row's among them.
//! Blind to: twins and guardians, who share a face cluster without sharing an image.

use suyuan_model::Kind;
use suyuan_model::time::DAY;

use super::{FieldDef, Operator, ParamDef, ParamTy, Params, Spec, Val, def};
use crate::field::Ty;
use crate::hash::Key;
use crate::registry::Registry;
use crate::state::{Table, saved};
use crate::view::{Row, Slot};

/// More different persons than this on one picture need no exact count.
const MOST: usize = 200;

pub(crate) static SPEC: Spec = Spec {
    name: "reuse",
    what: (
        "for how many persons the same image, background or face was used",
        "同一图像、背景或人脸用于多少人",
    ),
    on: &[Kind::Opening],
    observes: &[Kind::Opening],
    params: &[
        ParamDef {
            name: "of",
            ty: ParamTy::Word(&["image_hash", "background_hash", "face_ref"]),
            default: "image_hash",
        },
        ParamDef { name: "over", ty: ParamTy::Span, default: "30d" },
        ParamDef { name: "as", ty: ParamTy::Name, default: "image" },
    ],
    fields,
    build: |p, b| {
        let of = match p.get("of") {
            "background_hash" => "background_hash",
            "face_ref" => "face_ref",
            _ => "image_hash",
        };
        Box::new(Reuse {
            value: b.slot(Kind::Opening, of),
            subject: b.slot(Kind::Opening, "subject"),
            over: p.span("over"),
            seen: Table::default(),
        })
    },
};

fn fields(p: &Params) -> Vec<FieldDef> {
    let (en, zh) = match p.get("of") {
        "background_hash" => ("background", "背景"),
        "face_ref" => ("face cluster", "人脸簇"),
        _ => ("image", "图像"),
    };
    vec![def(
        &format!("{}_subjects", p.get("as")),
        Ty::Int,
        &format!("persons with the same {en} within {}", p.get("over")),
        &format!("{}内同一{zh}对应人数", p.get("over")),
    )]
}

struct Reuse {
    value: Slot,
    subject: Slot,
    over: i64,
    /// Per value: subjects and when each was last seen.
    seen: Table<Vec<(Key, i64)>>,
}

impl Reuse {
    fn keys(&self, row: &Row<'_>) -> Option<(Key, Key)> {
        (row.kind() == Kind::Opening).then(|| row.key(self.value).zip(row.key(self.subject)))?
    }
}

saved!(Reuse, tables: [seen]);

impl Operator for Reuse {
    fn compute(&mut self, row: &Row<'_>, _: &Registry, out: &mut [Val]) {
        let Some((value, subject)) = self.keys(row) else { return };
        let seen = self.seen.get(&value).map_or(&[][..], Vec::as_slice);
        let others = seen.iter().filter(|(s, t)| *s != subject && row.ts - t < self.over).count();
        out[0] = Val::Int(others as i64 + 1);
    }
    fn observe(&mut self, row: &Row<'_>, _: &Registry) {
        let Some((value, subject)) = self.keys(row) else { return };
        let seen = self.seen.of(value);
        if let Some(s) = seen.iter_mut().find(|s| s.0 == subject) {
            s.1 = row.ts;
            return;
        }
        seen.retain(|s| row.ts - s.1 < self.over);
        if seen.len() < MOST {
            seen.push((subject, row.ts));
        }
    }
    fn patience(&self) -> i64 {
        7 * DAY
    }
    fn expire(&mut self, now: i64) {
        self.seen.retain(|_, seen| seen.iter().any(|s| now - s.1 < self.over));
    }
}
