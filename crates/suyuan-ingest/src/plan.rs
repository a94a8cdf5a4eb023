//! What a worker does with a record: the compiled form of a mapping, or of a native header.

use std::sync::Arc;

use suyuan_model::Kind;

use crate::expr::{Cond, Expr};
use crate::zone::{Clock, Zone};

/// How one source's records become rows.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// The columns or paths that the slots stand for.
    pub slots: Vec<String>,
    /// Records that are no rows (totals, comments): passed over and counted.
    pub skip: Vec<Cond>,
    /// The kinds, in the order tried; the first whose condition holds takes the record.
    pub kinds: Vec<KindRecipe>,
}

/// How a record becomes a row of one kind.
#[derive(Debug)]
pub(crate) struct KindRecipe {
    pub kind: Kind,
    pub when: Option<Cond>,
    /// The record is offered to the kinds after this one as well.
    pub also: bool,
    pub ts: Option<FieldRecipe>,
    pub source: Option<Expr>,
    pub seq: Option<FieldRecipe>,
    /// A record without `seq` takes its number in the file: sources whose records bring their own keys.
    pub seq_may_lack: bool,
    /// By the field's place in the kind's declaration.
    pub fields: Vec<Option<FieldRecipe>>,
    pub coordinates: Coordinates,
}

/// How one field is read.
#[derive(Clone, Debug)]
pub(crate) struct FieldRecipe {
    pub expr: Expr,
    pub clock: Clock,
    pub zone: Option<Arc<Zone>>,
    pub unit: Unit,
    /// The text is an opaque id: its hash is the number.
    pub hash: bool,
}

impl FieldRecipe {
    /// A field that stands in the slot as it is.
    pub fn plain(slot: usize) -> Self {
        Self { expr: Expr::Slot(slot), clock: Clock::Rfc3339, zone: None, unit: Unit::ONE, hash: false }
    }
}

/// A factor on numbers: `value * times / over`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub times: i64,
    pub over: i64,
}

impl Unit {
    /// As it stands.
    pub const ONE: Unit = Unit { times: 1, over: 1 };
    /// What a mapping may say, and what it measures.
    pub const NAMES: [(&'static str, Unit); 12] = [
        ("yuan", Unit::ONE),
        ("fen", Unit { times: 1, over: 100 }),
        ("wan_yuan", Unit { times: 10_000, over: 1 }),
        ("percent", Unit { times: 1, over: 100 }),
        ("s", Unit::ONE),
        ("ms", Unit { times: 1, over: 1_000 }),
        ("min", Unit { times: 60, over: 1 }),
        ("h", Unit { times: 3_600, over: 1 }),
        ("mb", Unit::ONE),
        ("kb", Unit { times: 1, over: 1_024 }),
        ("gb", Unit { times: 1_024, over: 1 }),
        ("byte", Unit { times: 1, over: 1_048_576 }),
    ];
}

/// In which system a source states positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Coordinates {
    #[default]
    Wgs84,
    Gcj02,
    Bd09,
}

impl Recipe {
    /// The recipe of a native source whose fields stand under their own names.
    ///
    /// `columns` are the names found (a header), or `None` where each record brings its own keys.
    pub fn native(kind: Kind, columns: Option<&[String]>) -> Self {
        let spec = kind.spec();
        let names: Vec<&'static str> =
            ["ts", "source", "seq"].into_iter().chain(spec.fields.iter().map(|f| f.name)).collect();
        let there = |name: &str| columns.is_none_or(|c| c.iter().any(|c| c == name));
        let slot_of = |name: &str| there(name).then(|| names.iter().position(|n| *n == name)).flatten();
        let field = |name: &str| slot_of(name).map(FieldRecipe::plain);
        let recipe = KindRecipe {
            kind,
            when: None,
            also: false,
            ts: field("ts"),
            source: slot_of("source").map(Expr::Slot),
            seq: field("seq"),
            seq_may_lack: columns.is_none(),
            fields: spec.fields.iter().map(|f| field(f.name)).collect(),
            coordinates: Coordinates::Wgs84,
        };
        let slots = names.iter().map(|n| (*n).to_owned()).collect();
        Self { slots, skip: Vec::new(), kinds: vec![recipe] }
    }
}
