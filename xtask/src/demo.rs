//! `cargo xtask demo`: from nothing to a written case in one command.

use std::process::Command;
use std::time::Instant;

use crate::{Done, build, option};

/// Builds, makes the reference world, runs the whole path, says where the report lies.
///
/// `--once` stops after the case is written, which today is all there is to do.
pub fn run(args: &[String]) -> Done {
    let seed = option(args, "--seed").unwrap_or("2020");
    let world = option(args, "--world").unwrap_or("qt-2020");
    let size = option(args, "--size").unwrap_or("small");
    let building = Instant::now();
    let suyuan = build::suyuan()?;
    let built = building.elapsed();
    let dir = build::fresh("demo-run")?;
    let (records, truth, keys, out) =
        (dir.join("records"), dir.join("truth"), dir.join("keys"), dir.join("case"));
    let running = Instant::now();
    build::must(
        Command::new(&suyuan)
            .args(["sim", world, "--size", size, "--seed", seed])
            .arg("--out")
            .arg(&records)
            .arg("--truth")
            .arg(&truth),
    )?;
    build::must_or_rejects(
        Command::new(&suyuan).arg("run").arg(&records).arg("--out").arg(&out).arg("--keys").arg(&keys),
    )?;
    eprintln!(
        "built in {:.0} s; from the built binary to the written case {:.0} s",
        built.as_secs_f64(),
        running.elapsed().as_secs_f64()
    );
    Ok(())
}
