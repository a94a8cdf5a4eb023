//! `suyuan init`.

use clap::Args;

use super::{Done, Outcome, say};
use crate::Common;

/// Make the key set and an empty data home.
///
/// The keys decide the tokens: back them up, keep them apart from the data. Existing keys are kept.
#[derive(Args)]
#[command(after_help = "Example: suyuan init --data /srv/suyuan --keys /srv/keys/suyuan")]
pub struct Init {}

impl Init {
    /// Runs the command.
    pub fn run(&self, common: &Common) -> Done {
        let paths = common.paths();
        let made = suyuan_engine::home::init(&paths)?;
        let (keys, data) = (paths.keys.display(), paths.data.display());
        let (en, zh) = if made.new_keys { ("made", "已生成") } else { ("kept", "沿用") };
        say(
            common.lang(),
            format!("keys {en} in {keys} (fingerprint {}); data home {data}", made.fingerprint),
            format!("密钥{zh}：{keys}（指纹 {}）；数据目录：{data}", made.fingerprint),
        );
        Ok(Outcome::Done)
    }
}
