//! `suyuan case`.

use clap::Args;

use super::{Done, Outcome, meter, open, print_json, print_line};
use crate::{Common, Format};

/// Build the cases from what was traced.
///
/// Reads the newest snapshot of the data home; what it finds is kept there for the next step.
#[derive(Args)]
#[command(after_help = "Example: suyuan case --data /srv/suyuan --format json")]
pub struct Case {}

impl Case {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let mut engine = open(common)?;
        let mut meter = meter(common);
        let found = engine.case(&mut |p| meter.show(p))?;
        meter.end();
        if common.format == Format::Json {
            print_json(&found)?;
        } else {
            for line in suyuan_engine::telling::case(&found, common.lang()) {
                print_line(&line);
            }
        }
        Ok(Outcome::Done)
    }
}
