//! From a record's texts to one row, and rows to a batch of the lake's schema.
//!
//! Invariant: a row goes into the columns whole or not at all.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use arrow_array::RecordBatch;
use suyuan_model::{FieldType, Kind, PiiClass, geo, time};

use crate::cells::Cells;
use crate::columns::{Slot, Table};
use crate::fault::{Fault, text};
use crate::guard::{Guard, Hidden};
use crate::memory::{Originals, REPEATS_IN_CHUNK, Recent, Regions, Repeats};
use crate::plan::{Coordinates, KindRecipe};
use crate::stray;
use crate::value::{self, Value, Warn};
use crate::zone::ZoneDay;

/// No kind has more fields; a test holds it.
const MAX_FIELDS: usize = 32;

/// A row may be this far ahead of the intake's clock: clocks differ, and a day is the coarsest unit.
pub(crate) const AHEAD: i64 = time::DAY;

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
    /// Personal numbers found in the row's other fields.
    strays: Vec<Rc<Hidden>>,
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
            strays: Vec::new(),
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
        self.strays.clear();
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
        for hidden in &self.strays {
            if self.given.is_new(hidden.key) {
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
        self.originals.take()
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
                FieldType::Id | FieldType::Text => {
                    Slot::Value(Value::Text(self.without_strays(text, ts).map_err(|f| f.at(spec.name))?))
                }
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

    /// The text with personal numbers as their tokens.
    fn without_strays<'t>(&mut self, text: Cow<'t, str>, ts: i64) -> Result<Cow<'t, str>, Fault> {
        let spots = stray::spots(&text);
        if spots.is_empty() {
            return Ok(text);
        }
        let (mut out, mut at) = (String::new(), 0);
        for (place, class) in spots {
            out.push_str(&text[at..place.start]);
            at = place.end;
            match self.hide(class, &text[place], ts)? {
                Some(hidden) => {
                    out.push_str(&hidden.token);
                    self.strays.push(hidden);
                }
                None => out.push_str("***"),
            }
        }
        out.push_str(&text[at..]);
        Ok(Cow::Owned(out))
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
}
