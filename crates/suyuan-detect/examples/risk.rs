//! Findings as JSON lines (or one JSON list) on standard input, risk by entity as JSON lines on standard output.

use std::io::{Read, Write};

use suyuan_detect::{RiskParams, risk};
use suyuan_model::outcome::Finding;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let findings: Vec<Finding> = if text.trim_start().starts_with('[') {
        serde_json::from_str(&text)?
    } else {
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for r in risk(&findings, &RiskParams::default()) {
        serde_json::to_writer(&mut out, &r)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
