//! Mapping files: how a source's columns become the fields of the record kinds.
//!
//! ```yaml
//! name: my-export                 # how the command line and the rejects name it
//! title: {en: ..., zh: ...}
//! format: csv                     # auto (default), csv, json (lines, array, or object with records), parquet
//! encoding: gb18030               # auto (default), utf-8, gb18030, utf-16le, utf-16be
//! delimiter: ","                  # auto by default
//! records: Records                # json: the key that holds the array of records
//! zone: Asia/Shanghai             # of times without an offset; also field by field
//! time: "%Y/%m/%d %H:%M:%S"       # rfc3339 (default), unix_s, unix_ms, unix_us or a pattern; also field by field
//! coordinates: gcj02              # wgs84 (default), gcj02, bd09: converted to WGS-84
//! skip: [{column: 序号, is: 合计}]  # records that are no rows; counted
//! fields: {ts: 受理时间}            # fields that all kinds share
//! kinds:
//! - kind: opening
//!   when: [{column: 业务类型, is: [开户, 入网]}]   # all must hold; the first kind that takes a record has it
//!   also: false                                 # true: the record goes on to the next kinds as well
//!   fields:
//!     card: ICCID                               # a column; for json a path: userIdentity.arn, list[0].x, list[*].x
//!     gps_source: {column: 定位方式, table: {手工: manual, 设备: device}, default: ""}
//!     loss_cny: {column: 金额, unit: fen}        # yuan, fen, wan_yuan, percent, s, ms, min, h, mb, kb, gb, byte
//!     account: {coalesce: [工号, 操作员]}
//!     seq: {column: 流水号, hash: true}          # an opaque id: its hash is the number
//!     outlet: {join: [省, 网点], with: "-"}
//!     region6: {column: 位置, split: {by: "/", part: 2}}     # -1: the last part
//!     result: {when: [{column: errorCode, exists: true}], constant: denied}
//!     channel: {column: 渠道, missing: 线下}      # where nothing is there
//! samples:                        # must map, or the mapping is refused
//! - row: {受理时间: 2020-03-01 09:00:00, ICCID: ...}
//!   expect: {opening: {ts: "2020-03-01T01:00:00Z", card: ...}}   # or {rejected: field} or {skipped: true}
//! ```
//!
//! Invariant: a mapping that loads has mapped its own samples, field by field, to what they expect.
//! PII fields in `expect` are compared before they become tokens; samples are made up, never real.

mod compile;
mod sample;
mod spec;

use std::sync::Arc;

use crate::error::IngestError;
use crate::plan::Recipe;

pub(crate) use spec::Reading;
pub use spec::{Encoding, Format};

/// A mapping that has mapped its own samples.
#[derive(Clone, Debug)]
pub struct Mapping {
    name: String,
    title: suyuan_model::outcome::Text,
    samples: usize,
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) reading: Arc<Reading>,
}

impl Mapping {
    /// Reads a mapping file's text and maps its samples.
    ///
    /// # Errors
    /// When the text is no mapping, names something that does not exist, or a sample does not map as
    /// expected; the message names the place and the nearest that exists.
    pub fn parse(text: &str) -> Result<Self, IngestError> {
        let file: spec::MappingFile =
            serde_saphyr::from_str(text).map_err(|e| IngestError::MappingForm { reason: e.to_string() })?;
        let (recipe, reading) = compile::compile(&file)?;
        sample::check(&file, &recipe)?;
        Ok(Self {
            name: file.name,
            title: file.title,
            samples: file.samples.len(),
            recipe: Arc::new(recipe),
            reading: Arc::new(reading),
        })
    }

    /// A mapping without name or samples: only to open a file with it.
    pub(crate) fn bare(recipe: Recipe) -> Self {
        Self {
            name: String::new(),
            title: suyuan_model::outcome::Text::default(),
            samples: 0,
            recipe: Arc::new(recipe),
            reading: Arc::new(Reading::default()),
        }
    }

    /// A mapping that comes with the program.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn shipped(name: &str) -> Result<Self, IngestError> {
        let Some((_, text)) = SHIPPED.iter().find(|(n, _)| *n == name) else {
            let near = crate::fault::did_you_mean(name, SHIPPED.iter().map(|(n, _)| *n));
            return Err(IngestError::NoMapping { name: name.to_owned(), near: near.en });
        };
        Self::parse(text)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line that says what it maps.
    pub fn title(&self) -> &suyuan_model::outcome::Text {
        &self.title
    }

    /// How many samples it mapped when it was read.
    pub fn samples(&self) -> usize {
        self.samples
    }
}

/// What a row becomes under a mapping that is being written: field and value, those given only.
pub(crate) fn expected(text: &str, row: &serde_json::Value) -> Option<Vec<(String, String)>> {
    let file: spec::MappingFile = serde_saphyr::from_str(text).ok()?;
    let (recipe, _) = compile::compile(&file).ok()?;
    sample::outcome(row, &recipe)
}

/// The mappings that come with the program: name and text.
pub static SHIPPED: &[(&str, &str)] = &[
    ("aws-cloudtrail", include_str!("../../../mappings/aws-cloudtrail.yml")),
    ("cn-carrier-fraud-report", include_str!("../../../mappings/cn-carrier-fraud-report.yml")),
    ("cn-carrier-login", include_str!("../../../mappings/cn-carrier-login.yml")),
    ("cn-carrier-opening", include_str!("../../../mappings/cn-carrier-opening.yml")),
    ("ocsf-authentication", include_str!("../../../mappings/ocsf-authentication.yml")),
    ("ocsf-datastore", include_str!("../../../mappings/ocsf-datastore.yml")),
];

#[cfg(test)]
mod tests;
