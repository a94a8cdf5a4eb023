//! `suyuan query`.

use clap::Args;

use super::Done;
use crate::Common;

/// Query a snapshot with SQL; every record kind is a table.
#[derive(Args)]
#[command(
    after_help = "Example: suyuan query \"SELECT account, count(*) FROM opening GROUP BY 1 ORDER BY 2 DESC LIMIT 5\""
)]
pub struct Query {
    /// The statement / SQL 语句
    sql: String,
    /// Snapshot; the newest if not given / 快照编号
    #[arg(long)]
    snapshot: Option<i64>,
    /// Give up after so many seconds / 超时秒数
    #[arg(long, default_value_t = 300)]
    deadline: u64,
}

impl Query {
    /// Runs the command.
    #[cfg(feature = "sql")]
    pub fn run(&self, common: &Common) -> Done {
        let engine = super::open(common)?;
        let snapshot = engine.snapshot(self.snapshot)?;
        let limits = suyuan_sql::Limits {
            deadline: std::time::Duration::from_secs(self.deadline),
            threads: common.threads,
            ..suyuan_sql::Limits::default()
        };
        let answer = suyuan_sql::query(&snapshot, &self.sql, &limits)?;
        match common.format {
            crate::Format::Text => super::print_line(&answer.table()?),
            crate::Format::Json => super::print_line(&answer.json()?),
        }
        if answer.more {
            let (en, zh) = ("there are more rows; narrow the query", "还有更多行，请缩小查询范围");
            eprintln!("{}", if common.lang() == suyuan_model::outcome::Lang::En { en } else { zh });
        }
        Ok(super::Outcome::Done)
    }

    /// Says how to get a build that can.
    #[cfg(not(feature = "sql"))]
    pub fn run(&self, _: &Common) -> Done {
        let _ = (&self.sql, self.snapshot, self.deadline);
        anyhow::bail!(
            "this build has no SQL engine; build with `cargo build --release --package suyuan --features sql`, \
             or read the lake with DuckDB: ATTACH 'ducklake:sqlite:suyuan.db' AS lake (READ_ONLY) / \
             此构建不含 SQL 引擎，请用 --features sql 构建，或用 DuckDB 只读挂载数据湖"
        )
    }
}
