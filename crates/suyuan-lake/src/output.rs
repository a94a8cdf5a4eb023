//! Writing a merged sequence to files of the right size.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_select::interleave::interleave_record_batch;

use crate::sort::CHUNK;
use crate::table::Table;
use crate::write::{FileWriter, NewFile};
use crate::{LakeError, Scratch};

/// A run of at least this many rows is written as it is; shorter ones are gathered first.
const LONG_RUN: usize = 1_024;

/// Takes ascending rows; files are ended at `roll` bytes.
pub(crate) struct Output<'s> {
    scratch: &'s mut Scratch,
    table: Table,
    group_rows: usize,
    roll: u64,
    writer: Option<FileWriter>,
    done: Vec<NewFile>,
    batches: Vec<Arc<RecordBatch>>,
    rows: Vec<(usize, usize)>,
}

impl<'s> Output<'s> {
    pub(crate) fn new(scratch: &'s mut Scratch, table: Table, group_rows: usize, roll: u64) -> Output<'s> {
        Output {
            scratch,
            table,
            group_rows,
            roll,
            writer: None,
            done: Vec::new(),
            batches: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Appends rows of a batch.
    pub(crate) fn push(&mut self, batch: &Arc<RecordBatch>, rows: Range<usize>) -> Result<(), LakeError> {
        if rows.len() >= LONG_RUN {
            self.gather()?;
            return self.write(&batch.slice(rows.start, rows.len()));
        }
        let at = match self.batches.iter().rposition(|b| Arc::ptr_eq(b, batch)) {
            Some(at) => at,
            None => {
                self.batches.push(batch.clone());
                self.batches.len() - 1
            }
        };
        self.rows.extend(rows.map(|r| (at, r)));
        if self.rows.len() >= CHUNK { self.gather() } else { Ok(()) }
    }

    fn gather(&mut self) -> Result<(), LakeError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let refs: Vec<&RecordBatch> = self.batches.iter().map(|b| b.as_ref()).collect();
        let batch = interleave_record_batch(&refs, &self.rows)
            .map_err(|source| LakeError::Arrow { table: self.table.name(), source })?;
        self.batches.clear();
        self.rows.clear();
        self.write(&batch)
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let mut writer = match self.writer.take() {
            Some(w) => w,
            None => self.scratch.create(self.table, self.group_rows)?,
        };
        writer.write(batch)?;
        if writer.bytes() >= self.roll {
            self.done.push(writer.finish()?);
        } else {
            self.writer = Some(writer);
        }
        Ok(())
    }

    /// Ends the last file and gives all.
    pub(crate) fn finish(mut self) -> Result<Vec<NewFile>, LakeError> {
        self.gather()?;
        if let Some(w) = self.writer.take() {
            self.done.push(w.finish()?);
        }
        Ok(self.done)
    }
}
