//! The ClickHouse that counts.

use anyhow::Context;
use clap::Args;

/// Where rows are counted.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClickHouse {
    /// ClickHouse's HTTP interface, which counts the rows.
    #[arg(long, default_value = "http://127.0.0.1:8123")]
    pub(crate) clickhouse: String,
    /// The user who counts.
    #[arg(long, default_value = "default")]
    clickhouse_user: String,
    /// That user's password.
    #[arg(long, default_value = "", hide_default_value = true)]
    clickhouse_password: String,
    /// The table whose rows are counted.
    #[arg(long, default_value = "otel.otel_logs")]
    table: String,
}

impl ClickHouse {
    /// Rows of the table, all or some.
    pub(crate) async fn count(&self, which: Option<&str>) -> anyhow::Result<u64> {
        let answer = reqwest::Client::new()
            .post(&self.clickhouse)
            .header("X-ClickHouse-User", &self.clickhouse_user)
            .header("X-ClickHouse-Key", &self.clickhouse_password)
            .body(format!("SELECT count() FROM {} WHERE {}", self.table, which.unwrap_or("true")))
            .send()
            .await?
            .text()
            .await?;
        answer.trim().parse().with_context(|| format!("ClickHouse does not count: {answer}"))
    }
}
