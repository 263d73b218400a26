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
        let sql = format!("SELECT count() FROM {} WHERE {}", self.table, which.unwrap_or("true"));
        let answer = self.ask(&sql).await?;
        answer.trim().parse().with_context(|| format!("ClickHouse does not count: {answer}"))
    }

    /// What the server answers to a statement; unqualified names are those of the table's database.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, or says that the statement failed.
    pub(crate) async fn ask(&self, sql: &str) -> anyhow::Result<String> {
        let database = self.table.split_once('.').map_or("default", |(database, _)| database);
        let response = reqwest::Client::new()
            .post(format!("{}/?wait_end_of_query=1", self.clickhouse))
            .header("X-ClickHouse-User", &self.clickhouse_user)
            .header("X-ClickHouse-Key", &self.clickhouse_password)
            .header("X-ClickHouse-Database", database)
            .body(sql.to_owned())
            .send()
            .await?;
        let (status, answer) = (response.status(), response.text().await?);
        anyhow::ensure!(status.is_success(), "ClickHouse answers {status}: {answer}");
        Ok(answer)
    }
}
