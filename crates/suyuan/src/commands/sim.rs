//! `suyuan sim`.

use std::path::PathBuf;

use clap::Args;

use super::Done;
use crate::Common;

/// Make a made-up world with known culprits, to try Suyuan on.
///
/// Every person, number and card in it is made up. The truth goes to a folder of its own that no other
/// command opens.
#[derive(Args)]
#[command(after_help = "Examples:
  suyuan sim qt-2020 --size tiny --seed 7 --out records/ --truth truth/
  suyuan sim my-world.toml --size small --seed 1 --out records/ --truth truth/")]
pub struct Sim {
    /// qt-2020, clean, many, careful, schemes, or a world file / 世界名或世界文件
    world: String,
    /// tiny, small, city / 规模
    #[arg(long, default_value = "small")]
    size: String,
    /// Seed / 随机种子
    #[arg(long, default_value_t = 2020)]
    seed: u64,
    /// Folder for the records / 记录输出目录
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder for the truth / 答案输出目录
    #[arg(long, value_name = "DIR")]
    truth: PathBuf,
}

impl Sim {
    /// Runs the command.
    #[cfg(feature = "sim")]
    pub fn run(&self, common: &Common) -> Done {
        use suyuan_engine::progress::{Progress, Step};
        use suyuan_sim::{Size, World};
        let world = match World::embedded(&self.world) {
            Err(_) if std::path::Path::new(&self.world).exists() => {
                World::parse(&std::fs::read_to_string(&self.world)?)?
            }
            found => found?,
        };
        let size = Size::by_name(&self.size)?;
        let mut meter = super::meter(common);
        let made = suyuan_sim::generate(&world, size, self.seed, &self.out, &self.truth, &mut |p| {
            meter.show(&Progress {
                step: Step::Make,
                done: p.day.max(0) as u64,
                total: Some(p.days.max(0) as u64),
                at: String::new(),
            });
        })?;
        meter.end();
        super::say(
            common.lang(),
            format!("{} rows of {} days in {}", made.total(), made.days, self.out.display()),
            format!("{} 天共 {} 行，写入 {}", made.days, made.total(), self.out.display()),
        );
        Ok(super::Outcome::Done)
    }

    /// Says how to get a build that can.
    #[cfg(not(feature = "sim"))]
    pub fn run(&self, _: &Common) -> Done {
        let _ = (&self.world, &self.size, self.seed, &self.out, &self.truth);
        anyhow::bail!("this build has no generator; build with the feature `sim` / 此构建不含模拟世界生成器")
    }
}
