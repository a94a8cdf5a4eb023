//! One version of the lake: its files and ordered scans over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use suyuan_model::Kind;
use suyuan_model::scan::{Pick, RowSource, RowStream, Run, Runs, ScanError, Want};

use crate::catalog::{self, DataFile};
use crate::index::Few;
use crate::merge::{Input, Merge, Rows, Source};
use crate::read::{self, Ask, Io};
use crate::sort::CHUNK;
use crate::table::Table;
use crate::{Lake, LakeError};

/// With more files than this open at once, each is read in smaller batches.
const ROOMY: usize = 32;

/// One version of the lake. It stays readable whatever happens to the lake.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) lake: Lake,
    id: i64,
    files: BTreeMap<Table, Vec<DataFile>>,
    pub(crate) io: Arc<Io>,
}

impl Snapshot {
    pub(crate) fn new(lake: Lake, version: Option<i64>) -> Result<Snapshot, LakeError> {
        let inner = lake.0.clone();
        inner.store.read_as(|c| {
            let last = catalog::last_version(c)?.id;
            let id = version.unwrap_or(last);
            if !catalog::has_version(c, id)? {
                return Err(LakeError::NoVersion { asked: id, last });
            }
            let mut files = BTreeMap::new();
            for (table, info) in &inner.tables {
                files.insert(*table, catalog::files(c, *table, info, id)?);
            }
            Ok(Snapshot { lake, id, files, io: Arc::default() })
        })
    }

    /// The version's number.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The files of a kind, in the order of their catalog numbers.
    pub fn files(&self, kind: Kind) -> &[DataFile] {
        self.table_files(Table::Kind(kind))
    }

    /// The files of a table.
    pub fn table_files(&self, table: Table) -> &[DataFile] {
        self.files.get(&table).map_or(&[], Vec::as_slice)
    }

    /// Where a table's files of this version lie.
    pub fn paths(&self, table: Table) -> Vec<PathBuf> {
        let folder = self.lake.folder(table);
        self.table_files(table).iter().map(|f| folder.join(&f.name)).collect()
    }

    /// How many sealed originals there are.
    pub fn originals(&self) -> u64 {
        self.table_files(Table::Original).iter().map(|f| f.rows).sum()
    }

    /// What has been read through this snapshot (and its clones) so far.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// An ordered scan of the rows from `from` up to and including `to`; files and row groups outside are
    /// not read.
    pub fn scan_between(
        &self,
        wants: &[Want],
        from: i64,
        to: i64,
    ) -> Result<Box<dyn RowStream + '_>, ScanError> {
        Ok(Box::new(Scan(self.merge(wants, Some((from, to)), None)?)))
    }

    fn merge(
        &self,
        wants: &[Want],
        between: Option<(i64, i64)>,
        few: Option<&Few>,
    ) -> Result<Merge<'static>, LakeError> {
        let mut schemas: BTreeMap<Kind, SchemaRef> = BTreeMap::new();
        for kind in wants.iter().map(|w| w.kind) {
            schemas.insert(kind, projection(kind, wants)?);
        }
        let touched = |f: &&DataFile| between.is_none_or(|(from, to)| f.max_ts >= from && f.min_ts <= to);
        let files: usize = schemas.keys().map(|k| self.files(*k).iter().filter(touched).count()).sum();
        let batch_rows = (CHUNK * ROOMY / files.max(1)).clamp(1_024, CHUNK);
        let threads = self.lake.0.options.threads;
        let mut inputs = Vec::with_capacity(files);
        for (kind, schema) in schemas {
            let table = Table::Kind(kind);
            let folder = self.lake.folder(table);
            let ask = Ask { table, schema, between, few: few.cloned(), batch_rows, io: self.io.clone() };
            for file in self.files(kind).iter().filter(touched) {
                let (path, ask) = (folder.join(&file.name), ask.clone());
                let open = move || Ok(Source::file(read::open(&path, &ask)?, threads));
                let min_ts = between.map_or(file.min_ts, |(from, _)| file.min_ts.max(from));
                inputs.push(Input { table, rank: inputs.len() as u32, min_ts, open: Box::new(open) });
            }
        }
        Ok(Merge::new(inputs))
    }
}

/// The columns of a kind that any of the wants asks for, with the key columns.
fn projection(kind: Kind, wants: &[Want]) -> Result<SchemaRef, LakeError> {
    let schema = kind.schema();
    let mut names: BTreeSet<&str> = Want::always(wants, kind).into_iter().collect();
    for want in wants.iter().filter(|w| w.kind == kind) {
        let Some(columns) = &want.columns else { return Ok(schema) };
        for name in columns {
            if schema.index_of(name).is_err() {
                return Err(LakeError::Schema {
                    table: kind.name(),
                    why: format!("it has no column `{name}`"),
                });
            }
            names.insert(name);
        }
    }
    let mut fields = Vec::with_capacity(names.len());
    for field in schema.fields().iter().filter(|f| names.contains(f.name().as_str())) {
        let of_kind = || wants.iter().filter(|w| w.kind == kind);
        let coded = of_kind().all(|w| w.codes.contains(&field.name().as_str()));
        let as_codes = || field.as_ref().clone().with_data_type(read::codes_of(field.data_type()));
        fields.push(if coded { Arc::new(as_codes()) } else { field.clone() });
    }
    Ok(Arc::new(Schema::new(fields)))
}

impl RowSource for Snapshot {
    fn scan(&self, wants: &[Want]) -> Result<Box<dyn RowStream + '_>, ScanError> {
        Ok(Box::new(Scan(self.merge(wants, None, None)?)))
    }

    fn scan_from(&self, wants: &[Want], from: i64) -> Result<Box<dyn RowStream + '_>, ScanError> {
        self.scan_between(wants, from, i64::MAX)
    }

    /// Whole files and row groups are counted by what is known of them.
    fn count_before(&self, kind: Kind, before: i64) -> Result<u64, ScanError> {
        let table = Table::Kind(kind);
        let mut rows = 0;
        for (file, path) in self.files(kind).iter().zip(self.paths(table)) {
            rows += match file {
                f if f.max_ts < before => f.rows,
                f if f.min_ts >= before => 0,
                _ => read::count_before(&path, table, before, &self.io)?,
            };
        }
        Ok(rows)
    }

    fn scan_picked(
        &self,
        kind: Kind,
        columns: &[&'static str],
        pick: Pick,
    ) -> Result<Box<dyn RowStream + '_>, ScanError> {
        let Some(last) = pick.before.checked_sub(1) else {
            return Ok(Box::new(Scan(Merge::new(Vec::new()))));
        };
        let between = Some((i64::MIN, last));
        let few = Few::new(pick, self.lake.0.store.writable());
        Ok(Box::new(Scan(self.merge(&[Want::only(kind, columns)], between, Some(&few))?)))
    }

    fn count(&self, kind: Kind) -> u64 {
        self.files(kind).iter().map(|f| f.rows).sum()
    }
}

struct Scan(Merge<'static>);

impl RowStream for Scan {
    fn next_run(&mut self) -> Result<Option<Run>, ScanError> {
        let Some(Rows { table, batch, rows }) = self.0.next_rows()? else { return Ok(None) };
        let Table::Kind(kind) = table else { unreachable!("a scan reads kinds only") };
        Ok(Some(Run { kind, batch, rows }))
    }

    fn next_runs(&mut self, rows: usize, runs: &mut Runs) -> Result<(), ScanError> {
        Ok(self.0.next_many(rows, runs)?)
    }
}
