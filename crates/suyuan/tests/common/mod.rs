//! What the tests of the binary share: running it, making worlds, reading what it wrote.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with keys of its own.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    /// The binary with this place's keys, quiet, in English.
    pub fn suyuan(&self) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_suyuan"));
        c.arg("--keys").arg(self.path("keys")).args(["--quiet", "--lang", "en"]);
        c
    }
    /// Makes a world into `records` and `truth`.
    pub fn world(&self, world: &str, size: &str, seed: u64) {
        let out = self
            .suyuan()
            .args(["sim", world, "--size", size, "--seed", &seed.to_string(), "--out"])
            .arg(self.path("records"))
            .arg("--truth")
            .arg(self.path("truth"))
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", text(&out));
    }
    /// Runs the whole path on `records` into `out`.
    pub fn run(&self, out: &str) -> Output {
        self.suyuan().arg("run").arg(self.path("records")).arg("--out").arg(self.path(out)).output().unwrap()
    }
    pub fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(file)).unwrap()).unwrap()
    }
    pub fn ndjson(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
    /// Writes a file of records.
    pub fn record(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path("records").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Everything a process printed.
pub fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// The strings of a JSON array.
pub fn strings(v: &Value) -> BTreeSet<String> {
    v.as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect()
}

/// Every id a case names, with the names it says are the same.
pub fn members(case: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let id = |e: &Value| e["id"].as_str().unwrap().to_owned();
    for actor in case["actors"].as_array().unwrap() {
        found.insert(id(&actor["entity"]));
        found.extend(actor["same_as"].as_array().unwrap().iter().map(|s| id(&s[0])));
    }
    for op in case["operators"].as_array().unwrap() {
        found.extend(op["operator"].as_array().unwrap().iter().map(id));
    }
    found
}

/// The cards a case names.
pub fn cards(case: &Value) -> BTreeSet<String> {
    case["cards"].as_array().unwrap().iter().map(|c| c["card"].as_str().unwrap().to_owned()).collect()
}

/// The Python with DuckDB and JSON Schema that `cargo xtask test` makes.
pub fn python() -> PathBuf {
    let path = std::env::var_os("SUYUAN_PYTHON").expect(
        "SUYUAN_PYTHON is not set: run `cargo xtask test`, or name a Python that has duckdb and jsonschema",
    );
    PathBuf::from(path)
}

/// All files below a folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
