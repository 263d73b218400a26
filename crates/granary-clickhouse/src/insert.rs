//! Sealed blocks into their table, so that sending them again adds nothing.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::{ClickHouseError, Warehouse};

/// What one `INSERT` sends: Native blocks of one table, compressed, and the token that names them.
#[derive(Debug, Clone)]
pub struct Insert {
    /// The table.
    pub table: &'static str,
    /// How many rows the blocks hold.
    pub rows: usize,
    /// The same blocks have the same token, on every attempt and after a restart.
    pub token: String,
    /// Frames of blocks, as [`crate::TableColumns::seal`] writes them, one piece after the other.
    pub frames: Vec<Bytes>,
}

/// The blocks of one insert lie in one partition; its rows in the rollups may lie in two, at the turn of a
/// month. Where a foreign DDL partitions more finely, this leaves room, and none for a clock gone wild.
const MAX_PARTITIONS: &str = "1000";

/// When a server began, to tell one life of it from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLife {
    /// When the server process was started, in milliseconds since 1970, give or take a second.
    pub started_ms: i64,
    /// When its machine was started. `None` where the server does not say.
    pub machine_started_ms: Option<i64>,
}

impl ServerLife {
    /// The server says its uptime in whole seconds.
    const TOLERANCE_MS: i64 = 2500;

    /// Whether the server was not started again between these two answers.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        (self.started_ms - other.started_ms).abs() <= Self::TOLERANCE_MS
    }

    /// Whether the server's machine has been up since `unix_ms`: what the server wrote then and did not sync is
    /// still known to it, even if the server itself was killed.
    #[must_use]
    pub fn machine_was_up_at(&self, unix_ms: i64) -> bool {
        self.machine_started_ms.is_none_or(|started| started <= unix_ms + Self::TOLERANCE_MS)
    }
}

impl Warehouse {
    /// Inserts the blocks. When this returns `Ok`, their rows are in the table and in every rollup, once.
    ///
    /// Every setting that exactness depends upon is sent along; the server's defaults are not trusted.
    ///
    /// # Errors
    ///
    /// [`ClickHouseError::is_transient`] says whether to send the same blocks again. After `Unreachable` and
    /// `TimedOut` the rows may be there; the token keeps a repetition from doubling them.
    pub async fn insert(&self, blocks: &Insert) -> Result<(), ClickHouseError> {
        self.insert_within(blocks, self.timeout()).await
    }

    /// [`Warehouse::insert`] with a time limit of its own: a large insert into a busy server takes longer than
    /// a statement otherwise may.
    pub async fn insert_within(&self, blocks: &Insert, timeout: Duration) -> Result<(), ClickHouseError> {
        let sending = async {
            let mut insert = self
                .for_inserts()
                .insert_formatted_with(format!("INSERT INTO {} FORMAT Native", blocks.table))
                .with_setting("decompress", "1")
                .with_setting("async_insert", "0")
                .with_setting("insert_deduplicate", "1")
                .with_setting("insert_deduplication_token", &blocks.token)
                .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
                .with_setting("materialized_views_ignore_errors", "0")
                .with_setting("wait_end_of_query", "1")
                // A column that the table does not have must fail the insert, not vanish.
                .with_setting("input_format_skip_unknown_fields", "0")
                .with_setting("max_partitions_per_insert_block", MAX_PARTITIONS)
                // The time is over the whole, below: one clock, so that its end is always told as what it is.
                .with_timeouts(None, None);
            for piece in &blocks.frames {
                insert.send(piece.clone()).await?;
            }
            insert.end().await?;
            Ok(())
        };
        tokio::time::timeout(timeout, sending)
            .await
            .unwrap_or(Err(ClickHouseError::TimedOut { after: timeout }))
    }

    /// How many rows of each of these batches are in the table; batches without rows are left out.
    pub async fn rows_of_batches(
        &self,
        table: &'static str,
        batches: &[Uuid],
    ) -> Result<HashMap<Uuid, u64>, ClickHouseError> {
        /// A list longer than this makes the request's line too long for some servers and balancers.
        const AT_ONCE: usize = 200;
        let mut found = HashMap::new();
        for batches in batches.chunks(AT_ONCE) {
            let sql = format!(
                "SELECT toString(BatchId), count() FROM {table} WHERE BatchId IN {{batches:Array(UUID)}} GROUP BY BatchId"
            );
            let batches: Vec<String> = batches.iter().map(Uuid::to_string).collect();
            let rows = self
                .within_timeout(async {
                    let query = self.query(&sql).param("batches", batches);
                    Ok(query.fetch_all::<(String, u64)>().await?)
                })
                .await?;
            found.extend(rows.into_iter().filter_map(|(batch, rows)| Some((batch.parse().ok()?, rows))));
        }
        Ok(found)
    }

    /// When the server and its machine were started, by the server's own clock.
    pub async fn life(&self) -> Result<ServerLife, ClickHouseError> {
        const STARTED: &str = "SELECT toUnixTimestamp64Milli(now64(3)) - toInt64(uptime()) * 1000";
        const MACHINE: &str = "SELECT toUnixTimestamp64Milli(now64(3)) - toInt64(value * 1000) \
             FROM system.asynchronous_metrics WHERE metric = 'OSUptime'";
        /// The embedded engine has no such table.
        const UNKNOWN_TABLE: u32 = 60;
        let ask =
            |sql| self.within_timeout(async move { Ok(self.query(sql).fetch_optional::<i64>().await?) });
        let started_ms = ask(STARTED).await?.unwrap_or_default();
        let machine_started_ms = match ask(MACHINE).await {
            Ok(machine) => machine,
            Err(error) if error.code() == Some(UNKNOWN_TABLE) => {
                self.is_on_this_machine().then(this_machine_started_ms).flatten()
            }
            Err(error) => return Err(error),
        };
        Ok(ServerLife { started_ms, machine_started_ms })
    }
}

/// When this machine was started, where the system says so.
fn this_machine_started_ms() -> Option<i64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(seconds.trim().parse::<i64>().ok()? * 1000)
}
