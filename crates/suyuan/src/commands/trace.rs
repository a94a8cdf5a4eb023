//! `suyuan trace`.

use clap::Args;

use super::{Done, Outcome, meter, open, print_json, print_line};
use crate::{Common, Format};

/// Trace fraud back to the accounts and channels through which it came.
///
/// Reads the newest snapshot of the data home; what it finds is kept there for the next step.
#[derive(Args)]
#[command(after_help = "Example: suyuan trace --data /srv/suyuan --format json")]
pub struct Trace {}

impl Trace {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let mut engine = open(common)?;
        let mut meter = meter(common);
        let found = engine.trace(&mut |p| meter.show(p))?;
        meter.end();
        if common.format == Format::Json {
            print_json(&found)?;
        } else {
            for line in suyuan_engine::telling::trace(&found, common.lang()) {
                print_line(&line);
            }
        }
        Ok(Outcome::Done)
    }
}
