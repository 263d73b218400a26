//! A few rows of one table: where ease counts and not the server's time.

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use crate::cluster::{Turn, is_read_after_written};
use crate::{ClickHouseError, Query, Warehouse};

/// A token that no other insert has, for rows that are to be added however often they were added before. A server compares inserts
/// without a token by their rows; to switch that off has one setting in older versions and another one in newer ones.
#[must_use]
pub fn new_token() -> String {
    Uuid::new_v4().to_string()
}

/// Gives an `INSERT` its token. One that is sent again keeps it.
pub fn under(token: &str, insert: Query) -> Query {
    insert.with_setting("insert_deduplicate", "1").with_setting("insert_deduplication_token", token)
}

impl Warehouse {
    /// Adds rows whose fields are named as the columns are. With a token, the same rows are added once, as long as the
    /// table remembers it; without one, each time.
    pub async fn insert_rows(
        &self,
        table: &'static str,
        rows: &[impl Serialize + Sync],
        token: Option<&str>,
    ) -> Result<(), ClickHouseError> {
        let mut body = Vec::new();
        for row in rows {
            // Text and numbers: this does not fail.
            serde_json::to_writer(&mut body, row).unwrap_or_default();
            body.push(b'\n');
        }
        let token = token.map_or_else(new_token, str::to_owned);
        let sql = format!("INSERT INTO {table} FORMAT JSONEachRow");
        let body = vec![Bytes::from(body)];
        if !is_read_after_written(table) {
            return self.insert_body(sql, body, &token, None, &[]).await;
        }
        let (quorum, mut turn) = (self.quorum(), Turn::default());
        loop {
            match self.insert_body(sql.clone(), body.clone(), &token, None, &quorum).await {
                Err(error) if turn.comes_again(&error).await => {}
                other => return other,
            }
        }
    }

    /// Adds the answer that a query gave in Native format; its columns are the table's. The same answer under the same
    /// token is added once, which no server promises of an `INSERT … SELECT`. In a cluster `shard` says where it goes; see
    /// [`Warehouse::shards_of`].
    pub async fn insert_answer(
        &self,
        table: &'static str,
        answer: Vec<Bytes>,
        token: &str,
        shard: Option<u32>,
    ) -> Result<(), ClickHouseError> {
        let copied = self.copied(self.timeout());
        let copied: Vec<_> = copied.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.insert_body(format!("INSERT INTO {table} FORMAT Native"), answer, token, shard, &copied).await
    }

    async fn insert_body(
        &self,
        sql: String,
        body: Vec<Bytes>,
        token: &str,
        shard: Option<u32>,
        settings: &[(&str, &str)],
    ) -> Result<(), ClickHouseError> {
        self.within_timeout(async {
            let mut insert = self
                .for_inserts()
                .insert_formatted_with(sql)
                .with_setting("async_insert", "0")
                .with_setting("insert_deduplicate", "1")
                .with_setting("insert_deduplication_token", token)
                .with_setting("wait_end_of_query", "1");
            for (name, value) in settings {
                insert = insert.with_setting(*name, *value);
            }
            if let Some(shard) = shard {
                insert = insert.with_setting("insert_shard_id", shard.to_string());
            }
            for piece in body {
                insert.send(piece).await?;
            }
            insert.end().await?;
            Ok(())
        })
        .await
    }
}
