//! Progress on stderr: a line that rewrites itself on a terminal, a line every two seconds elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use suyuan_engine::progress::{Progress, Step};
use suyuan_model::outcome::Lang;

/// Shows progress.
pub struct Meter {
    lang: Lang,
    quiet: bool,
    terminal: bool,
    step: Option<Step>,
    began: Instant,
    shown: Instant,
}

impl Meter {
    /// A meter for one command.
    pub fn new(lang: Lang, quiet: bool) -> Self {
        let now = Instant::now();
        Self { lang, quiet, terminal: std::io::stderr().is_terminal(), step: None, began: now, shown: now }
    }

    /// Takes one report of progress.
    pub fn show(&mut self, p: &Progress) {
        if self.quiet {
            return;
        }
        if self.step != Some(p.step) {
            self.step = Some(p.step);
            self.began = Instant::now();
            self.shown = self.began;
        }
        let pause = Duration::from_millis(if self.terminal { 200 } else { 2_000 });
        if self.shown.elapsed() < pause {
            return;
        }
        self.shown = Instant::now();
        let (en, zh) = p.step.names();
        let name = if self.lang == Lang::En { en } else { zh };
        let part = match p.total {
            Some(total) if total > 0 => format!("{:3.0} %", 100.0 * p.done as f64 / total as f64),
            _ => p.done.to_string(),
        };
        let line = format!("{name} {part} {} ({:.0} s)", p.at, self.began.elapsed().as_secs_f64());
        if self.terminal {
            eprint!("\r\x1b[2K{line}");
        } else {
            eprintln!("{line}");
        }
        let _ = std::io::stderr().flush();
    }

    /// Ends the line.
    pub fn end(&mut self) {
        if self.terminal && !self.quiet && self.step.is_some() {
            eprint!("\r\x1b[2K");
        }
    }
}
