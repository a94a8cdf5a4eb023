//! `suyuan detect`.

use clap::Args;

use super::{Done, Outcome, meter, open, print_json, print_line};
use crate::{Common, Format};

/// Run the rules over the records.
///
/// Reads the newest snapshot of the data home; what it finds is kept there for the next step.
#[derive(Args)]
#[command(after_help = "Example: suyuan detect --data /srv/suyuan --format json")]
pub struct Detect {}

impl Detect {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let mut engine = open(common)?;
        let mut meter = meter(common);
        let found = engine.detect(&mut |p| meter.show(p))?;
        meter.end();
        if common.format == Format::Json {
            print_json(&found)?;
        } else {
            for line in suyuan_engine::telling::detect(&found, common.lang()) {
                print_line(&line);
            }
            let risks = suyuan_engine::Engine::risk(&found);
            for line in suyuan_engine::telling::review(&risks, common.lang()) {
                print_line(&line);
            }
        }
        Ok(Outcome::Done)
    }
}
