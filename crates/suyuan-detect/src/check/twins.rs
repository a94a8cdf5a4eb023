//! Twins: the face stands for exactly two persons, of one birth year and one home region.
//!
//! Blind to: twins of whom one was registered elsewhere.

use suyuan_model::Kind;
use suyuan_model::outcome::{Outcome, Text};

use super::{About, Check, Spec};
use crate::hash::{Key, KeyMap};
use crate::registry::Registry;
use crate::view::{Row, Slot};

/// More persons than this on one face need no list.
const MOST: usize = 16;

pub(crate) static SPEC: Spec = Spec {
    name: "twins",
    what: (
        "twins or siblings: two persons of one birth year and one home region",
        "双胞胎：两人出生年份与户籍地相同",
    ),
    reads: &[Kind::Opening],
    params: &[],
    build: |_, b| {
        Box::new(Twins {
            face: b.slot(Kind::Opening, "face_ref"),
            subject: b.slot(Kind::Opening, "subject"),
            year: b.slot(Kind::Opening, "subject_birth_year"),
            region: b.slot(Kind::Opening, "subject_region6"),
            faces: KeyMap::default(),
            asked: Vec::new(),
        })
    },
};

type Person = (Key, Option<i64>, Option<Key>);

struct Twins {
    face: Slot,
    subject: Slot,
    year: Slot,
    region: Slot,
    faces: KeyMap<Vec<Person>>,
    asked: Vec<(usize, Key)>,
}

impl Check for Twins {
    fn evidence(&mut self, n: usize, row: &Row<'_>, _: &Registry) {
        if row.kind() == Kind::Opening
            && let Some(face) = row.key(self.face)
            && !self.asked.contains(&(n, face))
        {
            self.asked.push((n, face));
        }
    }
    fn other(&mut self, row: &Row<'_>, _: &Registry) {
        if row.kind() != Kind::Opening {
            return;
        }
        let Some((face, subject)) = row.key(self.face).zip(row.key(self.subject)) else { return };
        let list = self.faces.entry(face).or_default();
        if list.len() < MOST && !list.iter().any(|p| p.0 == subject) {
            list.push((subject, row.int(self.year), row.key(self.region)));
        }
    }
    fn outcome(&self, n: usize, _: &About<'_>) -> (Outcome, Text) {
        let faces: Vec<&Vec<Person>> =
            self.asked.iter().filter(|a| a.0 == n).filter_map(|a| self.faces.get(&a.1)).collect();
        if faces.is_empty() || faces.iter().any(|l| l.iter().any(|p| p.1.is_none())) {
            let text = Text::new("birth years are not in the records", "记录中没有出生年份");
            return (Outcome::NotCheckable, text);
        }
        let fits = |l: &&&Vec<Person>| l.len() == 2 && l[0].1 == l[1].1 && l[0].2 == l[1].2;
        let k = faces.iter().filter(fits).count();
        let most = faces.iter().map(|l| l.len()).max().unwrap_or(0);
        let text = Text::new(
            format!(
                "{k} of {} faces stand for two persons of one birth year and region; at most {most} on one face",
                faces.len()
            ),
            format!("{}个人脸中{k}个对应同年同籍的两人；单个人脸最多对应{most}人", faces.len()),
        );
        (if k == faces.len() { Outcome::Supported } else { Outcome::Excluded }, text)
    }
}
