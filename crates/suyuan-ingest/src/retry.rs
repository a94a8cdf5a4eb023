//! Taking rejected rows in once more: from their sealed text under the present mapping and program, or
//! from a mended file of the same layout.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use suyuan_model::Kind;

use crate::error::IngestError;
use crate::file::{Pieces, Ready, context_of, open_file};
use crate::folder::{How, Planned};
use crate::intake::{Intake, renumber};
use crate::mapping::Mapping;
use crate::plan::Recipe;
use crate::row::{Place, Shared};
use crate::sink::{RejectContext, RejectRow};
use crate::split::{CHUNK, Piece};
use crate::table;
use crate::work::{Done, Work, Worker};

/// A record of a mended file: its line, its number, its text.
pub type RawRow = (i64, i64, Vec<u8>);

/// What became of one raw text read again.
#[derive(Clone, Debug, Default)]
pub struct Mended {
    /// Rows it gives now.
    pub batches: Vec<(Kind, RecordBatch)>,
    /// Their sealed originals, if any.
    pub originals: Option<RecordBatch>,
    /// What still does not fit.
    pub rejects: Vec<RejectRow>,
}

impl Intake<'_> {
    /// Reads one rejected row's raw text again; it keeps its file, line and number.
    ///
    /// `mapping` is the present form of the one that its context names.
    ///
    /// # Errors
    /// When the context names a mapping that is not given.
    pub fn parse_raw(
        &self,
        context: &RejectContext,
        mapping: Option<&Mapping>,
        file_id: i64,
        line: i64,
        record: i64,
        raw: &[u8],
    ) -> Result<Mended, IngestError> {
        let recipe = match (&context.mapping, mapping, context.kind) {
            (Some(name), Some(mapping), _) if mapping.name() == name => mapping.recipe.clone(),
            (Some(name), ..) => {
                let reason = format!("it was mapped by `{name}`; name that mapping");
                return Err(IngestError::Retry { reason });
            }
            (None, _, Some(kind)) => Arc::new(Recipe::native(kind, context.header.as_deref())),
            (None, _, None) => {
                let reason = "its file was of no kind; take the file in again".to_owned();
                return Err(IngestError::Retry { reason });
            }
        };
        let delimiter = context.delimiter.and_then(|d| u8::try_from(d).ok());
        let file = context_of(
            recipe,
            context.kind,
            context.mapping.clone(),
            context.header.clone(),
            delimiter,
            context.source.clone(),
        );
        let shared = Shared { guard: self.guard, file_id, source: &context.source, now: self.options.now };
        let mut data = raw.to_vec();
        data.push(b'\n');
        let piece = match delimiter {
            Some(_) => Piece::Csv { data, line: line as u64 },
            None => {
                let spans = vec![crate::split::Span { start: 0, end: raw.len(), line: line as u64 }];
                Piece::Spans { data, spans }
            }
        };
        let done = Worker::new(&file, &shared).work(Work::Text(piece));
        Ok(mended(done, record))
    }

    /// The raw texts of a mended file's records that begin at these lines: line, record number, text.
    ///
    /// The file has the layout of the one that was rejected; its other lines are not looked at.
    ///
    /// # Errors
    /// When the file cannot be read, or its header does not fit.
    pub fn mended_rows(
        &self,
        path: &Path,
        kind: Option<Kind>,
        mapping: Option<&Mapping>,
        lines: &BTreeSet<i64>,
    ) -> Result<(RejectContext, Vec<RawRow>), IngestError> {
        let how = match (mapping, kind) {
            (Some(mapping), _) => How::Mapped(mapping.clone()),
            (None, Some(kind)) => How::Native(kind),
            (None, None) => {
                let reason = "name its kind or its mapping".to_owned();
                return Err(IngestError::Retry { reason });
            }
        };
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let planned = Planned { path: path.to_owned(), name, how };
        let Ready { context, mut pieces, .. } = open_file(&planned, CHUNK)
            .map_err(|f| IngestError::Unreadable { path: path.to_owned(), reason: f.to_string() })?;
        let mut out = Vec::new();
        let mut record = 0i64;
        while let Some(work) = next(&mut pieces, path)? {
            gather(work, context.delimiter, lines, &mut record, &mut out);
        }
        Ok((RejectContext::clone(&context.context), out))
    }
}

fn next(pieces: &mut Pieces, path: &Path) -> Result<Option<Work>, IngestError> {
    pieces.next(Vec::new()).map_err(|cut| IngestError::Unreadable { path: path.to_owned(), reason: cut.en })
}

fn mended(done: Done, record: i64) -> Mended {
    let batches = done.batches.into_iter().map(|b| (b.kind, renumber(b, record - 1))).collect();
    let rejects = done.rejects.into_iter().map(|r| RejectRow { record, ..r }).collect();
    Mended { batches, originals: done.originals.map(|(b, _)| b), rejects }
}

/// The records of a piece that begin at the wanted lines.
fn gather(work: Work, delimiter: u8, lines: &BTreeSet<i64>, record: &mut i64, out: &mut Vec<RawRow>) {
    let mut keep = |place: Place, raw: &[u8]| {
        if lines.contains(&place.line) {
            out.push((place.line, place.record, raw.to_vec()));
        }
    };
    match work {
        Work::Text(Piece::Csv { data, line }) => {
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .from_reader(data.as_slice());
            let (mut start, mut line, mut row) = (0usize, line as i64, csv::ByteRecord::new());
            while matches!(reader.read_byte_record(&mut row), Ok(true)) {
                let end = reader.position().byte() as usize;
                while let Some(b @ (b'\n' | b'\r')) = data.get(start) {
                    line += i64::from(*b == b'\n');
                    start += 1;
                }
                *record += 1;
                let raw = &data[start..end];
                keep(Place { line, record: *record }, raw.trim_ascii_end());
                line += memchr::memchr_iter(b'\n', raw).count() as i64;
                start = end;
            }
        }
        Work::Text(Piece::Lines { data, line }) => {
            for (n, text) in data.split(|b| *b == b'\n').enumerate() {
                if !text.trim_ascii().is_empty() {
                    *record += 1;
                    keep(Place { line: line as i64 + n as i64, record: *record }, text.trim_ascii());
                }
            }
        }
        Work::Text(Piece::Spans { data, spans }) => {
            for span in spans {
                *record += 1;
                keep(Place { line: span.line as i64, record: *record }, &data[span.start..span.end]);
            }
        }
        Work::Text(Piece::Broken { .. }) => *record += 1,
        Work::Table(batch, first) => {
            for row in 0..batch.num_rows() {
                *record += 1;
                let raw = table::as_json(&batch, row);
                keep(Place { line: first as i64 + row as i64, record: *record }, raw.as_bytes());
            }
        }
    }
}
