-- Input files that were taken in. A file is known by its bytes and the mapping that read it.
CREATE TABLE input_file(
  file_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  mapping TEXT,
  -- What the intake wants to remember of the file, JSON (warnings, kinds, encoding).
  note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX input_file_sha ON input_file(sha256);
-- Rows of a file by record kind: taken into the lake, and known to it before.
CREATE TABLE input_count(
  file_id INTEGER NOT NULL REFERENCES input_file,
  kind TEXT NOT NULL,
  taken INTEGER NOT NULL,
  known INTEGER NOT NULL,
  PRIMARY KEY(file_id, kind)
) STRICT, WITHOUT ROWID;
-- Rows kept aside. The raw text is sealed; nothing else here may hold personal data.
CREATE TABLE reject(
  reject_id INTEGER PRIMARY KEY,
  file_id INTEGER NOT NULL REFERENCES input_file,
  line INTEGER NOT NULL,
  record TEXT,
  field TEXT,
  reason_en TEXT NOT NULL,
  reason_zh TEXT NOT NULL,
  remedy_en TEXT NOT NULL,
  remedy_zh TEXT NOT NULL,
  sealed TEXT NOT NULL,
  context TEXT NOT NULL,
  closed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX reject_open ON reject(file_id, line) WHERE closed = 0;
-- Findings, trace, cases: documents by name.
CREATE TABLE result(name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
