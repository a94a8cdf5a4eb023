//! A batch with the columns that rules and operators asked for, bound once.
//!
//! Readers ask a [`Binder`] for a [`Slot`] when they are built; reading a value is then an index, not a
//! search by name. Keys of texts are hashed once per batch, on first use.

use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::NullBuffer;
use suyuan_model::{Kind, RowRef};

use crate::field;
use crate::hash::Key;
use crate::kernel::{Bitmap, Columns};

/// A column of one kind, as an index into the views of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub(crate) u16);

/// Collects which columns of which kinds are read.
#[derive(Debug)]
pub struct Binder {
    columns: Vec<Vec<&'static str>>,
    groups: Vec<Vec<Vec<Slot>>>,
}

/// The columns of one kind that make a group, as an index into the views of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupSlot(u16);

impl Default for Binder {
    fn default() -> Self {
        Self { columns: vec![Vec::new(); Kind::ALL.len()], groups: vec![Vec::new(); Kind::ALL.len()] }
    }
}

impl Binder {
    /// The slot of a column; `None` where the kind has no such column.
    pub fn find(&mut self, kind: Kind, name: &str) -> Option<Slot> {
        let name = field::column(kind, name)?.name;
        let list = &mut self.columns[kind as usize];
        let at = list.iter().position(|n| *n == name).unwrap_or_else(|| {
            list.push(name);
            list.len() - 1
        });
        Some(Slot(at as u16))
    }

    /// The slot of a column that the program itself names.
    pub fn slot(&mut self, kind: Kind, name: &'static str) -> Slot {
        self.find(kind, name).expect("operators and checks name columns of the kind's declaration")
    }

    /// The slot of a group of columns.
    pub(crate) fn group(&mut self, kind: Kind, slots: Vec<Slot>) -> GroupSlot {
        let list = &mut self.groups[kind as usize];
        let at = list.iter().position(|g| *g == slots).unwrap_or_else(|| {
            list.push(slots);
            list.len() - 1
        });
        GroupSlot(at as u16)
    }

    /// The columns asked for.
    pub fn columns(&self, kind: Kind) -> &[&'static str] {
        &self.columns[kind as usize]
    }
}

pub(crate) enum Col {
    Text(StringArray),
    Int(Int64Array),
    Real(Float64Array),
    Time(TimestampMicrosecondArray),
    Day(Date32Array),
    Fen(Decimal128Array),
    Bool(BooleanArray),
    /// Several texts a row; only the open schema has such.
    List(ListArray),
    Absent,
}

impl Col {
    pub(crate) fn bind(batch: &RecordBatch, name: &str) -> Col {
        let Some(c) = batch.column_by_name(name) else { return Col::Absent };
        if let Some(a) = c.as_string_opt::<i32>() {
            Col::Text(a.clone())
        } else if let Some(a) = c.as_primitive_opt::<Int64Type>() {
            Col::Int(a.clone())
        } else if let Some(a) = c.as_primitive_opt::<Float64Type>() {
            Col::Real(a.clone())
        } else if let Some(a) = c.as_primitive_opt::<TimestampMicrosecondType>() {
            Col::Time(a.clone())
        } else if let Some(a) = c.as_primitive_opt::<Date32Type>() {
            Col::Day(a.clone())
        } else if let Some(a) = c.as_primitive_opt::<Decimal128Type>() {
            Col::Fen(a.clone())
        } else if let Some(a) = c.as_boolean_opt() {
            Col::Bool(a.clone())
        } else if let Some(a) = c.as_list_opt::<i32>() {
            Col::List(a.clone())
        } else {
            Col::Absent
        }
    }
    pub(crate) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Col::Text(a) => a.nulls(),
            Col::Int(a) => a.nulls(),
            Col::Real(a) => a.nulls(),
            Col::Time(a) => a.nulls(),
            Col::Day(a) => a.nulls(),
            Col::Fen(a) => a.nulls(),
            Col::Bool(a) => a.nulls(),
            Col::List(a) => a.nulls(),
            Col::Absent => None,
        }
    }
    /// The texts of a row.
    pub(crate) fn texts(&self, i: usize) -> Vec<String> {
        match self {
            Col::Text(a) if a.is_valid(i) => vec![a.value(i).to_owned()],
            Col::List(a) if a.is_valid(i) => {
                a.value(i).as_string::<i32>().iter().flatten().map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The key and origin columns.
struct Origin {
    ts: Col,
    source: Col,
    seq: Col,
    file: Col,
    line: Col,
}

impl Origin {
    fn bind(batch: &RecordBatch) -> Origin {
        let col = |name| Col::bind(batch, name);
        Origin {
            ts: col("ts"),
            source: col("source"),
            seq: col("seq"),
            file: col("file_id"),
            line: col("line"),
        }
    }
}

impl Col {
    #[inline]
    fn whole(&self, i: usize) -> i64 {
        match self {
            Col::Int(a) => a.value(i),
            Col::Time(a) => a.value(i),
            _ => 0,
        }
    }
}

/// Where more than this part of the rows is asked of, all keys are made: they come faster one after the other.
const MOST_ASKED: (usize, usize) = (2, 3);

/// The columns of a group, and its key in each row once somebody asked.
type Grouped = (Vec<Slot>, OnceLock<Box<[Key]>>);

/// A batch, bound.
pub struct View {
    kind: Kind,
    batch: Arc<RecordBatch>,
    origin: Origin,
    cols: Vec<Col>,
    keys: Vec<OnceLock<Box<[Key]>>>,
    groups: Vec<Grouped>,
    pub(crate) masks: Vec<OnceLock<Bitmap>>,
    /// Per row, one bit for each question of its kind ([`crate::plan::Question`]) that it may answer.
    pub(crate) candidates: OnceLock<Vec<u64>>,
    /// The only rows of which keys will be asked, where they are few; the others' need not be made.
    asked: OnceLock<Option<Bitmap>>,
}

impl View {
    pub(crate) fn new(kind: Kind, batch: Arc<RecordBatch>, binder: &Binder, masks: usize) -> View {
        let names = binder.columns(kind);
        View {
            kind,
            origin: Origin::bind(&batch),
            cols: names.iter().map(|n| Col::bind(&batch, n)).collect(),
            keys: names.iter().map(|_| OnceLock::new()).collect(),
            groups: binder.groups[kind as usize].iter().map(|g| (g.clone(), OnceLock::new())).collect(),
            masks: (0..masks).map(|_| OnceLock::new()).collect(),
            candidates: OnceLock::new(),
            asked: OnceLock::new(),
            batch,
        }
    }
    pub(crate) fn is_of(&self, batch: &Arc<RecordBatch>) -> bool {
        Arc::ptr_eq(&self.batch, batch)
    }
    /// What its rows are.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
    /// The keys of a text or whole number, row by row; 0 where it is absent.
    #[inline]
    pub(crate) fn keys(&self, slot: Slot) -> &[Key] {
        self.keys[slot.0 as usize].get_or_init(|| match self.col(slot) {
            Col::Text(a) => {
                let key = |i: usize| if a.is_valid(i) { Key::of(a.value(i)) } else { Key(0) };
                match self.asked.get() {
                    Some(Some(asked)) => {
                        let mut keys = vec![Key(0); a.len()];
                        asked.each(a.len(), |i| keys[i] = key(i));
                        keys.into()
                    }
                    _ => (0..a.len()).map(key).collect(),
                }
            }
            Col::Int(a) => {
                (0..a.len()).map(|i| if a.is_valid(i) { Key::number(a.value(i)) } else { Key(0) }).collect()
            }
            Col::Day(a) => (0..a.len())
                .map(|i| if a.is_valid(i) { Key::number(a.value(i).into()) } else { Key(0) })
                .collect(),
            _ => vec![Key(0); self.len()].into(),
        })
    }
    /// The keys of a group, row by row; 0 where one of its values is absent.
    pub(crate) fn group_keys(&self, group: GroupSlot) -> &[Key] {
        let (slots, keys) = &self.groups[group.0 as usize];
        keys.get_or_init(|| {
            if let [one] = slots.as_slice() {
                let keys = self.keys(*one).iter();
                return keys.map(|k| if k.0 == 0 { *k } else { Key(1).and(*k) }).collect();
            }
            let columns: Vec<&[Key]> = slots.iter().map(|s| self.keys(*s)).collect();
            let key = |i: usize| {
                columns.iter().try_fold(Key(1), |k, c| (c[i].0 != 0).then(|| k.and(c[i]))).unwrap_or(Key(0))
            };
            (0..self.len()).map(key).collect()
        })
    }
    /// Says that keys will be asked only of rows that may match a detection.
    pub(crate) fn narrow(&self) {
        self.asked.get_or_init(|| {
            let bits = self.candidates.get()?;
            let words = bits.len() / self.len().max(1);
            let may = |i: usize| bits[i * words..(i + 1) * words].iter().any(|b| *b != 0);
            let asked = Bitmap::build(self.len(), may);
            (asked.ones() * MOST_ASKED.1 < self.len() * MOST_ASKED.0).then_some(asked)
        });
    }
    #[inline]
    pub(crate) fn group_key(&self, group: GroupSlot, i: usize) -> Option<&Key> {
        Some(&self.group_keys(group)[i]).filter(|k| k.0 != 0)
    }
    #[inline]
    pub(crate) fn row(&self, i: usize) -> Row<'_> {
        Row { view: self, i, ts: self.origin.ts.whole(i), cite: None }
    }
}

impl Columns for View {
    fn len(&self) -> usize {
        self.batch.num_rows()
    }
    fn col(&self, slot: Slot) -> &Col {
        &self.cols[slot.0 as usize]
    }
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    view: &'a View,
    i: usize,
    /// When it happened.
    pub ts: i64,
    cite: Option<&'a Cite>,
}

macro_rules! read {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $ty:ty, |$a:ident, $i:ident| $get:expr) => {
        $(#[$doc])*
        #[inline]
        pub fn $name(&self, slot: Slot) -> Option<$ty> {
            match self.view.col(slot) {
                Col::$variant($a) if $a.is_valid(self.i) => { let $i = self.i; Some($get) }
                _ => None,
            }
        }
    };
}

impl<'a> Row<'a> {
    /// Its kind.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.view.kind
    }
    pub(crate) fn index(&self) -> usize {
        self.i
    }
    /// The same with how it is remembered.
    #[inline]
    pub(crate) fn remembered(self, cite: Option<&'a Cite>) -> Row<'a> {
        Row { cite, ..self }
    }
    /// How it is remembered: of the kinds of which an operator remembers rows.
    pub(crate) fn cite(&self) -> Option<Cite> {
        self.cite.copied()
    }
    pub(crate) fn view(&self) -> &'a View {
        self.view
    }
    read!(/// A text.
        text, Text, &'a str, |a, i| a.value(i));
    read!(/// A whole number.
        int, Int, i64, |a, i| a.value(i));
    read!(/// A measured number.
        real, Real, f64, |a, i| a.value(i));
    read!(/// An instant.
        time, Time, i64, |a, i| a.value(i));
    read!(/// Fen.
        fen, Fen, i64, |a, i| a.value(i) as i64);

    /// The key of a text or whole number; `None` where it is absent.
    #[inline]
    pub fn key(&self, slot: Slot) -> Option<Key> {
        Some(self.view.keys(slot)[self.i]).filter(|k| k.0 != 0)
    }

    /// The key of a group of columns; `None` where one of them is absent.
    pub(crate) fn group(&self, group: GroupSlot) -> Option<Key> {
        self.view.group_key(group, self.i).copied()
    }

    fn source(&self) -> &'a str {
        match &self.view.origin.source {
            Col::Text(a) => a.value(self.i),
            _ => "",
        }
    }

    /// Its source and number in it.
    pub(crate) fn reference(&self) -> (&'a str, i64) {
        (self.source(), self.view.origin.seq.whole(self.i))
    }

    /// The file and line it came from.
    pub(crate) fn origin(&self) -> (i64, i64) {
        (self.view.origin.file.whole(self.i), self.view.origin.line.whole(self.i))
    }

    /// The key of the row's identity.
    pub(crate) fn identity(&self) -> Key {
        identity(self.source(), self.ts, self.view.origin.seq.whole(self.i), self.view.kind)
    }
}

fn identity(source: &str, ts: i64, seq: i64, kind: Kind) -> Key {
    Key::of(source).and(Key::number(ts)).and(Key::number(seq)).and(Key::number(kind as i64))
}

/// The key of a row's identity.
pub(crate) fn identity_of(r: &RowRef) -> Key {
    identity(&r.source, r.ts, r.seq, r.kind)
}

/// A row as state remembers it: small, and enough to find it again. Ordered as the rows came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct Cite {
    pub ts: i64,
    /// Its place among the rows of one instant.
    nth: u32,
    seq: i64,
    source: u16,
    pub kind: Kind,
}

#[cfg(test)]
impl Cite {
    /// A made-up row.
    pub fn at(ts: i64, nth: u32) -> Cite {
        Cite { ts, nth, seq: nth.into(), source: 0, kind: Kind::Opening }
    }
}

/// The source systems met, so that a [`Cite`] need not hold their names, and the place of the present row.
#[derive(Default)]
pub(crate) struct Sources {
    names: Vec<String>,
    /// The newest row's instant and place in it.
    now: (i64, u32),
    last: usize,
}

crate::state::saved!(Sources, cells: [names, now]);

impl Sources {
    /// A new row begins.
    pub fn begin(&mut self, ts: i64) {
        self.now = if self.now.0 == ts { (ts, self.now.1 + 1) } else { (ts, 0) };
    }
    pub fn cite(&mut self, row: &Row<'_>) -> Cite {
        let name = row.source();
        if self.names.get(self.last).is_none_or(|n| n != name) {
            self.last = match self.names.iter().position(|n| n == name) {
                Some(n) => n,
                None => {
                    // INVARIANT: a run meets fewer than 65,536 source systems; beyond, the last is reused.
                    if self.names.len() <= usize::from(u16::MAX) {
                        self.names.push(name.to_owned());
                    }
                    self.names.len() - 1
                }
            };
        }
        let seq = row.view.origin.seq.whole(row.i);
        Cite { ts: row.ts, nth: self.now.1, seq, source: self.last as u16, kind: row.view.kind }
    }
    /// The row's identity; which file it came from is found when its evidence is read again.
    pub fn row(&self, c: &Cite) -> RowRef {
        RowRef {
            kind: c.kind,
            ts: c.ts,
            source: self.names[usize::from(c.source)].clone(),
            seq: c.seq,
            file: 0,
            line: 0,
        }
    }
}

/// The views of recent batches: scans that merge several files go to and fro between a few.
#[derive(Default)]
pub(crate) struct Views {
    recent: Vec<(u64, Arc<View>)>,
    /// Where each kind's view was found last.
    last: Vec<usize>,
    clock: u64,
}

impl Views {
    const KEPT: usize = 48;

    /// The scan has left that batch: nothing of it is needed again.
    pub fn done(&mut self, batch: &Arc<RecordBatch>) {
        self.recent.retain(|(_, v)| !v.is_of(batch));
    }

    pub fn of(&mut self, kind: Kind, batch: &Arc<RecordBatch>, binder: &Binder, masks: usize) -> &Arc<View> {
        self.clock += 1;
        let clock = self.clock;
        self.last.resize(Kind::ALL.len(), 0);
        let hint = self.last[kind as usize];
        let hinted = self.recent.get(hint).filter(|(_, v)| v.is_of(batch)).map(|_| hint);
        let at = match hinted.or_else(|| self.recent.iter().position(|(_, v)| v.is_of(batch))) {
            Some(at) => at,
            None => {
                let view = Arc::new(View::new(kind, batch.clone(), binder, masks));
                if self.recent.len() < Self::KEPT {
                    self.recent.push((0, view));
                    self.recent.len() - 1
                } else {
                    let oldest = (0..Self::KEPT).min_by_key(|i| self.recent[*i].0).unwrap_or(0);
                    self.recent[oldest] = (0, view);
                    oldest
                }
            }
        };
        self.recent[at].0 = clock;
        self.last[kind as usize] = at;
        &self.recent[at].1
    }
}
