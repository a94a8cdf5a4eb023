//! From a record's texts to one row, and rows to a batch of the lake's schema.
//!
//! Invariant: a row goes into the columns whole or not at all.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use suyuan_model::kind::pii_columns;
use suyuan_model::{FieldType, Kind, PiiClass, geo, region, time};

use crate::cells::Cells;
use crate::fault::{Fault, text};
use crate::guard::{Guard, Hidden};
use crate::plan::{Coordinates, KindRecipe};
use crate::value::{self, Value, Warn};
use crate::zone::ZoneDay;

/// No kind has more fields; a test holds it.
const MAX_FIELDS: usize = 32;

/// A row may be this far ahead of the intake's clock: clocks differ, and a day is the coarsest unit.
pub(crate) const AHEAD: i64 = time::DAY;

/// What one field holds on its way into a column.
#[derive(Default)]
enum Slot<'a> {
    #[default]
    Absent,
    Value(Value<'a>),
    Hidden(Rc<Hidden>),
}

/// What all rows of a file share.
pub(crate) struct Shared<'s> {
    pub guard: &'s dyn Guard,
    pub file_id: i64,
    /// The source where the record names none.
    pub source: &'s str,
    /// Rows more than a day after this are rejected.
    pub now: Option<i64>,
}

/// Where a row stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: i64,
    /// From 1 within the chunk; the file's number is added when the chunk's place is known.
    pub record: i64,
}

/// Rows of one kind from one chunk.
pub(crate) struct Batch {
    pub kind: Kind,
    pub rows: RecordBatch,
    /// Which rows take their number in the file; they hold the one in the chunk.
    pub numbered: Vec<usize>,
}

/// Makes rows and gathers them into columns, kind by kind.
pub(crate) struct RowMaker<'s> {
    shared: &'s Shared<'s>,
    tables: BTreeMap<Kind, Table>,
    days: ZoneDay,
    recent: Recent,
    regions: Regions,
    originals: Originals,
    given: Repeats,
    /// Warnings by field: how many and the first line.
    pub warnings: BTreeMap<(Kind, &'static str, Warn), (u64, i64)>,
}

impl<'s> RowMaker<'s> {
    pub fn new(shared: &'s Shared<'s>) -> Self {
        Self {
            shared,
            tables: BTreeMap::new(),
            days: ZoneDay::default(),
            recent: Recent::new(),
            regions: Regions::new(),
            originals: Originals::default(),
            given: Repeats::new(REPEATS_IN_CHUNK),
            warnings: BTreeMap::new(),
        }
    }

    /// Adds the record's row of that kind, or says why it cannot be one.
    pub fn add(&mut self, recipe: &KindRecipe, cells: &Cells<'_>, place: Place) -> Result<(), Fault> {
        let ts = self.ts(recipe, cells)?;
        let source = match &recipe.source {
            None => None,
            Some(expr) => expr.eval(cells).map_err(|f| f.at("source"))?,
        };
        let seq = self.seq(recipe, cells)?;
        let mut slots: [Slot<'_>; MAX_FIELDS] = [const { Slot::Absent }; MAX_FIELDS];
        let mut warns = [None; MAX_FIELDS];
        self.fields(recipe, cells, ts, &mut slots, &mut warns)?;
        any_of(recipe.kind, &slots)?;
        to_wgs84(recipe, &mut slots);
        for (spec, warn) in recipe.kind.spec().fields.iter().zip(warns) {
            if let Some(warn) = warn {
                self.warnings.entry((recipe.kind, spec.name, warn)).or_insert((0, place.line)).0 += 1;
            }
        }
        for slot in &slots {
            if let Slot::Hidden(hidden) = slot
                && self.given.is_new(hidden.key)
            {
                self.originals.push(hidden);
            }
        }
        let table = self.tables.entry(recipe.kind).or_insert_with(|| Table::new(recipe.kind));
        let source = source.as_deref().unwrap_or(self.shared.source);
        if seq.is_none() {
            table.numbered.push(table.rows);
        }
        table.push(ts, source, seq.unwrap_or(place.record), &slots, self.shared.file_id, place.line);
        Ok(())
    }

    /// The columns gathered so far, kind by kind; the maker is empty afterwards.
    pub fn finish(&mut self) -> Vec<Batch> {
        self.given.clear();
        let mut out = Vec::new();
        for (kind, table) in &mut self.tables {
            if table.rows > 0 {
                let numbered = std::mem::take(&mut table.numbered);
                out.push(Batch { kind: *kind, rows: table.finish(*kind), numbered });
            }
        }
        out
    }

    /// The originals gathered so far with the keys of their tokens.
    pub fn originals(&mut self) -> Option<(RecordBatch, Vec<u128>)> {
        let Originals { tokens, sealed, keys } = &mut self.originals;
        if keys.is_empty() {
            return None;
        }
        let batch = originals_batch(Arc::new(tokens.finish()), Arc::new(sealed.finish()));
        let given = std::mem::take(keys);
        *tokens = StringBuilder::with_capacity(given.len(), given.len() * 32);
        *sealed = BinaryBuilder::with_capacity(given.len(), given.len() * 48);
        keys.reserve(given.len());
        Some((batch, given))
    }

    fn ts(&mut self, recipe: &KindRecipe, cells: &Cells<'_>) -> Result<i64, Fault> {
        if let Some(field) = &recipe.ts
            && let Some(text) = field.expr.eval(cells).map_err(|f| f.at("ts"))?
        {
            let ts = value::instant(field, &mut self.days, &text).map_err(|f| f.at("ts"))?;
            return self.not_ahead(ts);
        }
        let spec = recipe.kind.spec();
        let stand_in = spec.ts_from.and_then(|name| {
            let n = spec.fields.iter().position(|f| f.name == name)?;
            Some((&spec.fields[n], recipe.fields[n].as_ref()?))
        });
        if let Some((of, field)) = stand_in
            && let Some(text) = field.expr.eval(cells).map_err(|f| f.at(of.name))?
        {
            let ts = match of.ty {
                // A day begins at its midnight in China, the zone of these records' calendars.
                FieldType::Day => match value::read(of, field, text).map_err(|f| f.at(of.name))?.0 {
                    Value::Int(day) => day * time::DAY - time::CHINA,
                    _ => return Err(no_ts()),
                },
                _ => value::instant(field, &mut self.days, &text).map_err(|f| f.at(of.name))?,
            };
            return self.not_ahead(ts);
        }
        Err(no_ts())
    }

    fn not_ahead(&self, ts: i64) -> Result<i64, Fault> {
        match self.shared.now {
            Some(now) if ts > now.saturating_add(AHEAD) => Err(Fault::of(
                "ts",
                text!(
                    "a time more than a day in the future ({})",
                    "时间晚于当前一天以上（{}）",
                    time::format(ts)
                ),
                text!(
                    "check the source's clock and zone; retry the row once it is past",
                    "请检查来源系统的时钟与时区；时间到后可重试该行"
                ),
            )),
            _ => Ok(ts),
        }
    }

    /// `None` where the record takes its number in the file.
    fn seq(&mut self, recipe: &KindRecipe, cells: &Cells<'_>) -> Result<Option<i64>, Fault> {
        let Some(field) = &recipe.seq else { return Ok(None) };
        let Some(text) = field.expr.eval(cells).map_err(|f| f.at("seq"))? else {
            if recipe.seq_may_lack {
                return Ok(None);
            }
            return Err(Fault::of(
                "seq",
                text!("no sequence number", "缺少序号"),
                text!(
                    "give each row one, or leave the column out: the row's number is taken then",
                    "请逐行给出，或整列去掉（届时取行号）"
                ),
            ));
        };
        match field.hash {
            true => Ok(Some(value::hash(&text))),
            false => text.parse().map(Some).map_err(|_| {
                Fault::of(
                    "seq",
                    text!("not a whole number", "不是整数"),
                    text!(
                        "give a mapping with `seq: {{column: .., hash: true}}` for ids that are no numbers",
                        "若为非数字编号，请在映射文件中写 `seq: {{column: .., hash: true}}`"
                    ),
                )
            }),
        }
    }

    fn fields<'a>(
        &mut self,
        recipe: &'a KindRecipe,
        cells: &Cells<'a>,
        ts: i64,
        slots: &mut [Slot<'a>; MAX_FIELDS],
        warns: &mut [Option<Warn>; MAX_FIELDS],
    ) -> Result<(), Fault> {
        for (n, (spec, field)) in recipe.kind.spec().fields.iter().zip(&recipe.fields).enumerate() {
            let text = match field {
                Some(field) => field.expr.eval(cells).map_err(|f| f.at(spec.name))?,
                None => None,
            };
            let (Some(field), Some(text)) = (field, text) else {
                if spec.required {
                    return Err(nothing_given(spec.name, recipe.kind));
                }
                continue;
            };
            slots[n] = match spec.ty {
                FieldType::Pii(class) => {
                    let hidden = self.hide(class, &text, ts).map_err(|f| f.at(spec.name))?;
                    let Some(hidden) = hidden else {
                        if spec.required {
                            return Err(nothing_given(spec.name, recipe.kind));
                        }
                        continue;
                    };
                    if hidden.valid == Some(false) {
                        warns[n] = Some(Warn::CheckDigit);
                    }
                    Slot::Hidden(hidden)
                }
                FieldType::Time => Slot::Value(Value::Int(
                    value::instant(field, &mut self.days, &text).map_err(|f| f.at(spec.name))?,
                )),
                FieldType::Region if self.regions.known(&text) => Slot::Value(Value::Text(text)),
                _ => {
                    let (value, warn) = value::read(spec, field, text).map_err(|f| f.at(spec.name))?;
                    warns[n] = warn;
                    Slot::Value(value)
                }
            };
        }
        Ok(())
    }

    fn hide(&mut self, class: PiiClass, text: &str, ts: i64) -> Result<Option<Rc<Hidden>>, Fault> {
        let mix = Recent::mix(class, text);
        if let Some(hidden) = self.recent.get(mix, class, text, ts) {
            return Ok(Some(hidden));
        }
        let Some(hidden) = self.shared.guard.hide(class, text, ts)? else { return Ok(None) };
        let hidden = Rc::new(hidden);
        self.recent.put(mix, class, text, ts, &hidden);
        Ok(Some(hidden))
    }
}

fn nothing_given(field: &str, kind: Kind) -> Fault {
    Fault::of(
        field,
        text!("nothing is given", "未填写"),
        text!("every `{}` needs it", "每条 `{}` 都必须有该字段", kind.name()),
    )
}

fn no_ts() -> Fault {
    Fault::of(
        "ts",
        text!("no time is given", "未填写时间"),
        text!("every row needs when it happened", "每行都必须有发生时间"),
    )
}

fn any_of(kind: Kind, slots: &[Slot<'_>]) -> Result<(), Fault> {
    let spec = kind.spec();
    let there = |name: &&str| {
        spec.fields.iter().position(|f| f.name == *name).is_some_and(|n| !matches!(slots[n], Slot::Absent))
    };
    if spec.any_of.is_empty() || spec.any_of.iter().any(|group| group.iter().all(there)) {
        return Ok(());
    }
    let groups: Vec<String> = spec.any_of.iter().map(|g| g.join("+")).collect();
    Err(Fault::of(
        spec.any_of[0][0],
        text!("none of {} is given", "{} 均未填写", groups.join(", ")),
        text!("give one of them", "请至少填写其一"),
    ))
}

/// Converts each latitude and its longitude where the source states other coordinates.
fn to_wgs84(recipe: &KindRecipe, slots: &mut [Slot<'_>]) {
    if recipe.coordinates == Coordinates::Wgs84 {
        return;
    }
    let fields = recipe.kind.spec().fields;
    let lat = fields.iter().position(|f| f.ty == FieldType::Lat);
    let lon = fields.iter().position(|f| f.ty == FieldType::Lon);
    let (Some(lat), Some(lon)) = (lat, lon) else { return };
    let (&Slot::Value(Value::Real(y)), &Slot::Value(Value::Real(x))) = (&slots[lat], &slots[lon]) else {
        return;
    };
    let (y, x) = match recipe.coordinates {
        Coordinates::Bd09 => geo::bd09_to_gcj02(y, x),
        _ => (y, x),
    };
    let (y, x) = geo::gcj02_to_wgs84(y, x);
    slots[lat] = Slot::Value(Value::Real(y));
    slots[lon] = Slot::Value(Value::Real(x));
}

/// How many values a worker remembers.
const RECENT: usize = 1 << 10;
/// How many values a worker has seen once.
const SEEN: usize = 1 << 12;

/// The tokens of values that came again: the same agent, address or employer. A value is remembered
/// at its second coming, so that those that come once cost nothing.
struct Recent {
    seen: Vec<u64>,
    tokens: Vec<Option<Remembered>>,
}

/// A value and its token.
type Remembered = (PiiClass, Box<str>, Rc<Hidden>);

/// Months are kept beside the token of those under 16 only, so a token serves another row only where
/// its person is older than this in both.
const OLD_ENOUGH: i64 = 17;

fn old_enough(hidden: &Hidden, ts: i64) -> bool {
    let year = 1970 + ts.div_euclid(time::DAY) / 366;
    hidden.birth_year.is_none_or(|born| year - born > OLD_ENOUGH)
}

impl Recent {
    fn new() -> Self {
        Self { seen: vec![0; SEEN], tokens: (0..RECENT).map(|_| None).collect() }
    }

    fn mix(class: PiiClass, text: &str) -> u64 {
        let mut h = 0xcbf2_9ce4_8422_2325u64 ^ class as u64;
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            h = (h ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        h.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn get(&self, mix: u64, class: PiiClass, text: &str, ts: i64) -> Option<Rc<Hidden>> {
        self.tokens[(mix >> 40) as usize % RECENT]
            .as_ref()
            .filter(|(c, t, hidden)| *c == class && t.as_ref() == text && old_enough(hidden, ts))
            .map(|(.., hidden)| hidden.clone())
    }

    fn put(&mut self, mix: u64, class: PiiClass, text: &str, ts: i64, hidden: &Rc<Hidden>) {
        let seen = std::mem::replace(&mut self.seen[(mix >> 20) as usize % SEEN], mix);
        if seen == mix && old_enough(hidden, ts) {
            self.tokens[(mix >> 40) as usize % RECENT] = Some((class, text.into(), hidden.clone()));
        }
    }
}

/// Region codes known to be known.
struct Regions(Vec<u32>);

impl Regions {
    fn new() -> Self {
        Self(vec![0; 512])
    }
    /// Whether six digits are a code of GB/T 2260; looks each code up once, as long as it is remembered.
    fn known(&mut self, text: &str) -> bool {
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        let code = text.bytes().fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
        let place = (code.wrapping_mul(0x9e37_79b1) >> 16) as usize % self.0.len();
        if self.0[place] != code {
            if region::last_name(text).is_none() {
                return false;
            }
            self.0[place] = code;
        }
        true
    }
}

/// Originals of a chunk, repeats dropped where remembered.
#[derive(Default)]
struct Originals {
    tokens: StringBuilder,
    sealed: BinaryBuilder,
    keys: Vec<u128>,
}

impl Originals {
    fn push(&mut self, hidden: &Hidden) {
        self.tokens.append_value(&hidden.token);
        self.sealed.append_value(&hidden.sealed);
        self.keys.push(hidden.key);
    }
}

/// How many tokens a chunk remembers as given.
const REPEATS_IN_CHUNK: usize = 1 << 11;

/// A bounded memory of tokens: a repeat may be called new once it was pushed out, never the reverse.
pub(crate) struct Repeats(Vec<u128>);

impl Repeats {
    pub fn new(size: usize) -> Self {
        Self(vec![0; size])
    }
    /// Whether the token was not remembered; it is from now on.
    pub fn is_new(&mut self, key: u128) -> bool {
        let place = (key as usize ^ (key >> 64) as usize) % self.0.len();
        std::mem::replace(&mut self.0[place], key) != key
    }
    fn clear(&mut self) {
        self.0.fill(0);
    }
}

/// The 128 bits of a token's keyed hash: the last 26 letters are their base 32.
pub(crate) fn token_key(token: &str) -> u128 {
    let tail = &token.as_bytes()[token.len().saturating_sub(26)..];
    tail.iter().fold(0u128, |key, b| {
        let five = match b {
            b'a'..=b'z' => b - b'a',
            b'2'..=b'7' => b - b'2' + 26,
            other => other & 31,
        };
        (key << 5) | u128::from(five)
    })
}

/// A batch of originals.
pub(crate) fn originals_batch(tokens: ArrayRef, sealed: ArrayRef) -> RecordBatch {
    RecordBatch::try_new(crate::originals_schema(), vec![tokens, sealed])
        .expect("both columns have one entry an original")
}

/// The columns of one kind while they grow.
struct Table {
    rows: usize,
    numbered: Vec<usize>,
    ts: TimestampMicrosecondBuilder,
    source: StringBuilder,
    seq: Int64Builder,
    fields: Vec<Vec<(Beside, Column)>>,
    file_id: Int64Builder,
    line: Int64Builder,
}

enum Column {
    Text(StringBuilder),
    Int(Int64Builder),
    Real(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Day(Date32Builder),
    Money(Decimal128Builder),
}

fn utc() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_timezone("UTC")
}

impl Table {
    fn new(kind: Kind) -> Self {
        let column = |ty: &arrow_schema::DataType| match ty {
            arrow_schema::DataType::Int64 => Column::Int(Int64Builder::new()),
            arrow_schema::DataType::Float64 => Column::Real(Float64Builder::new()),
            arrow_schema::DataType::Boolean => Column::Bool(BooleanBuilder::new()),
            arrow_schema::DataType::Timestamp(..) => Column::Time(utc()),
            arrow_schema::DataType::Date32 => Column::Day(Date32Builder::new()),
            arrow_schema::DataType::Decimal128(..) => {
                Column::Money(Decimal128Builder::new().with_data_type(FieldType::Money.arrow()))
            }
            _ => Column::Text(StringBuilder::new()),
        };
        let fields = kind.spec().fields.iter().map(|f| {
            let mut columns = vec![(Beside::Token, column(&f.ty.arrow()))];
            if let FieldType::Pii(class) = f.ty {
                let beside = pii_columns(class).iter();
                columns.extend(beside.map(|(suffix, ty)| (Beside::of(suffix), column(ty))));
            }
            columns
        });
        Self {
            rows: 0,
            numbered: Vec::new(),
            ts: utc(),
            source: StringBuilder::new(),
            seq: Int64Builder::new(),
            fields: fields.collect(),
            file_id: Int64Builder::new(),
            line: Int64Builder::new(),
        }
    }

    fn push(&mut self, ts: i64, source: &str, seq: i64, slots: &[Slot<'_>], file_id: i64, line: i64) {
        self.rows += 1;
        self.ts.append_value(ts);
        self.source.append_value(source);
        self.seq.append_value(seq);
        for (columns, slot) in self.fields.iter_mut().zip(slots) {
            match slot {
                Slot::Absent => columns.iter_mut().for_each(|(_, c)| c.null()),
                Slot::Value(value) => columns[0].1.push(value),
                Slot::Hidden(hidden) => push_hidden(columns, hidden),
            }
        }
        self.file_id.append_value(file_id);
        self.line.append_value(line);
    }

    fn finish(&mut self, kind: Kind) -> RecordBatch {
        self.rows = 0;
        let mut out: Vec<ArrayRef> =
            vec![Arc::new(self.ts.finish()), Arc::new(self.source.finish()), Arc::new(self.seq.finish())];
        out.extend(self.fields.iter_mut().flatten().map(|(_, c)| c.finish()));
        out.push(Arc::new(self.file_id.finish()));
        out.push(Arc::new(self.line.finish()));
        RecordBatch::try_new(kind.schema(), out).expect("the columns are made from the kind's schema")
    }
}

impl Column {
    fn null(&mut self) {
        match self {
            Self::Text(b) => b.append_null(),
            Self::Int(b) => b.append_null(),
            Self::Real(b) => b.append_null(),
            Self::Bool(b) => b.append_null(),
            Self::Time(b) => b.append_null(),
            Self::Day(b) => b.append_null(),
            Self::Money(b) => b.append_null(),
        }
    }
    fn push(&mut self, value: &Value<'_>) {
        match (self, value) {
            (Self::Text(b), Value::Text(v)) => b.append_value(v),
            (Self::Int(b), Value::Int(v)) => b.append_value(*v),
            (Self::Real(b), Value::Real(v)) => b.append_value(*v),
            (Self::Bool(b), Value::Bool(v)) => b.append_value(*v),
            (Self::Time(b), Value::Int(v)) => b.append_value(*v),
            (Self::Day(b), Value::Int(v)) => b.append_value(*v as i32),
            (Self::Money(b), Value::Int(v)) => b.append_value(i128::from(*v)),
            (column, _) => column.null(),
        }
    }
    fn text(&mut self, value: Option<&str>) {
        if let Self::Text(b) = self {
            b.append_option(value);
        }
    }
    fn int(&mut self, value: Option<i64>) {
        if let Self::Int(b) = self {
            b.append_option(value);
        }
    }
    /// The column so far; the next grows in as much room as this one took.
    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(b) => {
                let array = b.finish();
                *b = StringBuilder::with_capacity(array.len() + 64, array.value_data().len() * 17 / 16);
                Arc::new(array)
            }
            Self::Int(b) => Arc::new(b.finish()),
            Self::Real(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::Day(b) => Arc::new(b.finish()),
            Self::Money(b) => Arc::new(b.finish()),
        }
    }
}

/// What a column of a PII field holds.
#[derive(Clone, Copy)]
enum Beside {
    Token,
    Region6,
    BirthYear,
    BirthMonth,
    Sex,
    Valid,
    Segment,
    Surname,
}

impl Beside {
    fn of(suffix: &str) -> Self {
        match suffix {
            "region6" => Self::Region6,
            "birth_year" => Self::BirthYear,
            "birth_month" => Self::BirthMonth,
            "sex" => Self::Sex,
            "valid" => Self::Valid,
            "segment" => Self::Segment,
            "surname" => Self::Surname,
            other => unreachable!("`{other}` stands beside no token"),
        }
    }
}

fn push_hidden(columns: &mut [(Beside, Column)], hidden: &Hidden) {
    for (beside, column) in columns {
        match beside {
            Beside::Token => column.text(Some(&hidden.token)),
            Beside::Region6 => column.text(hidden.region6.as_deref()),
            Beside::BirthYear => column.int(hidden.birth_year),
            Beside::BirthMonth => column.int(hidden.birth_month),
            Beside::Sex => column.text(hidden.sex),
            Beside::Segment => column.text(hidden.segment.as_deref()),
            Beside::Surname => column.text(hidden.surname.as_deref()),
            Beside::Valid => {
                if let Column::Bool(b) = column {
                    b.append_option(hidden.valid);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_fits() {
        for kind in Kind::ALL {
            assert!(kind.spec().fields.len() <= MAX_FIELDS, "{}", kind.name());
            assert_eq!(Table::new(*kind).finish(*kind).num_rows(), 0);
        }
    }

    #[test]
    fn repeats_are_dropped_and_nothing_new_is() {
        let mut repeats = Repeats::new(8);
        let keys: Vec<u128> = (0..40)
            .map(|n| {
                token_key(&format!(
                    "idn1-{}",
                    "abcdefghijklmnopqrstuvwxyz".replace('c', &char::from(b'a' + n % 26).to_string())
                ))
            })
            .collect();
        for key in &keys[..26] {
            assert!(repeats.is_new(*key) || *key == keys[2]);
            assert!(!repeats.is_new(*key));
        }
    }
}
