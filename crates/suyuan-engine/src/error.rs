//! Why the path could not go on, in the operator's words.

use std::path::PathBuf;

use suyuan_model::outcome::Text;

/// What can stop the engine. A bad row is data, not an error.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A folder cannot be made or written.
    #[error("cannot write to `{path}`: {source}; check that it exists, is writable and has room")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No data home where one was named.
    #[error(
        "there are no records in `{path}`: take some in with `suyuan ingest`, or name the right folder with `--data`"
    )]
    NoHome {
        /// The folder.
        path: PathBuf,
    },
    /// The home's tokens were made with other keys.
    #[error(
        "these records were taken in with the keys {want}, but `{keys}` holds {have}: name the first with `--keys`, or another `--data`"
    )]
    OtherKeys {
        /// The key folder.
        keys: PathBuf,
        /// Its fingerprint.
        have: String,
        /// The fingerprint of the keys that the home was filled with.
        want: String,
    },
    /// Rows kept aside came through a mapping of the user's own.
    #[error(
        "rows kept aside were read by the mapping `{name}`, which is not a shipped one: name its file with `--mapping`"
    )]
    NeedsMapping {
        /// The mapping's name.
        name: String,
    },
    /// A step needs what an earlier step has not written.
    #[error("nothing to work on: run `suyuan {first}` first")]
    Missing {
        /// The step to run first.
        first: &'static str,
    },
    /// A stored result cannot be read back.
    #[error("the stored result `{name}` is of another version: run `suyuan {name}` again")]
    Stale {
        /// The result.
        name: &'static str,
    },
    /// A mended file for which nothing is kept aside.
    #[error(
        "nothing of a file named like `{path}` is kept aside; the mended file keeps the name of the first"
    )]
    NothingKept {
        /// The file.
        path: PathBuf,
    },
    /// A record kind that does not exist.
    #[error("there is no record kind `{name}`; the nearest is `{near}` (`suyuan kinds` lists them)")]
    NoKind {
        /// The name.
        name: String,
        /// The nearest.
        near: &'static str,
    },
    /// A rule that does not exist.
    #[error(
        "there is neither a rule `{name}` nor a file of that name (`suyuan rule catalogue` lists the rules)"
    )]
    NoRule {
        /// The name.
        name: String,
    },
    /// A file that would be written over.
    #[error("`{path}` is there already; choose another name")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Keys.
    #[error(transparent)]
    Vault(#[from] suyuan_vault::VaultError),
    /// Store.
    #[error(transparent)]
    Store(#[from] suyuan_store::StoreError),
    /// Lake.
    #[error(transparent)]
    Lake(#[from] suyuan_lake::LakeError),
    /// Intake.
    #[error(transparent)]
    Ingest(#[from] suyuan_ingest::IngestError),
    /// Rules.
    #[error(transparent)]
    Detect(#[from] suyuan_detect::DetectError),
    /// Tracing.
    #[error(transparent)]
    Trace(#[from] suyuan_trace::TraceError),
    /// Cases.
    #[error(transparent)]
    Case(#[from] suyuan_case::CaseError),
    /// Scores.
    #[error(transparent)]
    Score(#[from] suyuan_score::ScoreError),
    /// A date that cannot be read.
    #[error("`{text}` is not a date; write 2020-06-30 or 2020-06-30T09:00:00+08:00")]
    NoDay {
        /// The text.
        text: String,
    },
    /// A line of a list of victims or canaries that names no one.
    #[error("`{path}` line {line}: {}; {}", fault.reason().en, fault.remedy().en)]
    Victim {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong; never holds the value.
        fault: suyuan_vault::PiiFault,
    },
    /// A line of a list of victims or canaries whose date cannot be read; the text is not told, it may be an identity.
    #[error("`{path}` line {line}: after the comma stands no date; write identity,2020-06-30")]
    VictimDay {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// JSON that cannot be written; does not happen with our types.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl EngineError {
    /// The message in both languages; the English detail stays where a library speaks.
    pub fn text(&self) -> Text {
        let en = self.to_string();
        let zh = match self {
            Self::Folder { path, source } => {
                format!("无法写入 `{}`：{source}；请检查目录是否存在、可写、有空间", path.display())
            }
            Self::File { path, source } => format!("无法读取 `{}`：{source}", path.display()),
            Self::NoHome { path } => format!(
                "`{}` 中没有记录：请先用 `suyuan ingest` 导入，或用 `--data` 指定正确的目录",
                path.display()
            ),
            Self::OtherKeys { keys, have, want } => format!(
                "该数据目录是用密钥 {want} 导入的，而 `{}` 中是 {have}：请用 `--keys` 指定原密钥，或另用 `--data`",
                keys.display()
            ),
            Self::NeedsMapping { name } => {
                format!("搁置的行是用映射 `{name}` 读取的，它不是内置映射：请用 `--mapping` 给出其文件")
            }
            Self::Missing { first } => format!("没有可处理的内容：请先运行 `suyuan {first}`"),
            Self::Stale { name } => format!("保存的结果 `{name}` 版本不符：请重新运行 `suyuan {name}`"),
            Self::NothingKept { path } => {
                format!("没有搁置过与 `{}` 同名文件的行；修改后的文件须保持原名", path.display())
            }
            Self::NoKind { name, near } => {
                format!("没有记录种类 `{name}`；最接近的是 `{near}`（`suyuan kinds` 列出全部）")
            }
            Self::NoRule { name } => {
                format!("没有名为 `{name}` 的规则或文件（`suyuan rule catalogue` 列出全部规则）")
            }
            Self::Exists { path } => format!("`{}` 已存在；请另取文件名", path.display()),
            Self::Vault(e) => vault(e),
            Self::Store(e) | Self::Lake(suyuan_lake::LakeError::Store(e)) => store(e),
            Self::Lake(e) => format!("数据湖出错：{e}"),
            Self::Ingest(e) => ingest(e),
            Self::Detect(suyuan_detect::DetectError::Rules(faults)) => {
                faults.iter().map(suyuan_detect::Fault::zh).collect::<Vec<_>>().join("\n")
            }
            Self::Detect(e) => format!("检测出错：{e}"),
            Self::Trace(e) => format!("溯源出错：{e}"),
            Self::Case(e) => format!("建案出错：{e}"),
            Self::Score(e) => e.text().zh,
            Self::NoDay { text } => {
                format!("`{text}` 不是日期；请写 2020-06-30 或 2020-06-30T09:00:00+08:00")
            }
            Self::Victim { path, line, fault } => {
                format!("`{}` 第 {line} 行：{}；{}", path.display(), fault.reason().zh, fault.remedy().zh)
            }
            Self::VictimDay { path, line } => {
                format!("`{}` 第 {line} 行：逗号后不是日期；请写 证件号,2020-06-30", path.display())
            }
            Self::Json(e) => format!("写 JSON 出错：{e}"),
        };
        Text::new(en, zh)
    }
}

/// What operators meet most, wholly in Chinese.
fn vault(e: &suyuan_vault::VaultError) -> String {
    use suyuan_vault::VaultError as E;
    match e {
        E::Missing(path) => {
            format!("缺少密钥文件 `{}`：请用 `suyuan init` 生成，或从备份恢复", path.display())
        }
        E::Damaged { path, .. } => format!("密钥文件 `{}` 已损坏：请从备份恢复", path.display()),
        E::Mixed(path) => {
            format!("`{}` 中的两个密钥文件不属于同一套：请从同一备份恢复", path.display())
        }
        E::Open { path, mode } => {
            format!("密钥文件 `{}` 可被他人读取（权限 {mode:03o}）：请执行 `chmod 600`", path.display())
        }
        other => format!("密钥出错：{other}"),
    }
}

fn store(e: &suyuan_store::StoreError) -> String {
    use suyuan_store::StoreError as E;
    match e {
        E::Locked { path, holder } => {
            format!("进程 {holder} 正在使用该数据目录（锁文件 `{}`）：请等待其结束或将其停止", path.display())
        }
        E::DiskFull => "磁盘已满，未作任何更改：请释放空间后重试".to_owned(),
        E::Damaged(source) => format!(
            "该数据目录的数据库 `suyuan.db` 已损坏（{source}）：请从备份恢复整个目录，或换一个 `--data` 重新导入"
        ),
        E::Network { path, kind } => {
            format!(
                "`{}` 位于网络文件系统（{kind}），数据库锁不可靠：请用 `--data` 指定本地磁盘目录",
                path.display()
            )
        }
        other => format!("数据库出错：{other}"),
    }
}

fn ingest(e: &suyuan_ingest::IngestError) -> String {
    use suyuan_ingest::IngestError as E;
    match e {
        E::NoMapping { name, .. } => {
            let shipped = suyuan_ingest::SHIPPED.iter().map(|(name, _)| *name);
            let near = match suyuan_ingest::nearest(name, shipped.clone()) {
                Some(near) => format!("是否应为 `{near}`？"),
                None => format!("可用：{}", shipped.collect::<Vec<_>>().join(", ")),
            };
            format!("没有映射 `{name}`：{near}（也可给出映射文件的路径）")
        }
        E::NoFiles { path } => format!(
            "`{}` 中没有记录：原生文件以记录种类命名（opening.csv、access.ndjson.gz），其他文件请指定映射",
            path.display()
        ),
        other => format!("导入出错：{other}"),
    }
}
