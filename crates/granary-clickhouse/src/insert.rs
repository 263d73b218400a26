//! Sealed blocks into their table, so that sending them again adds nothing.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::cluster::{SEQUENTIAL, text};
use crate::migrate::quoted;
use crate::tables::schema_of;
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
        let sql = format!("INSERT INTO {} FORMAT Native", blocks.table);
        let settings = [("insert_deduplicate", "1"), ("insert_deduplication_token", blocks.token.as_str())];
        self.send_blocks(sql, &blocks.frames, &settings, timeout).await
    }

    async fn send_blocks(
        &self,
        sql: String,
        frames: &[Bytes],
        settings: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<(), ClickHouseError> {
        let sending = async {
            let mut insert = self
                .for_inserts()
                .insert_formatted_with(sql)
                .with_setting("decompress", "1")
                .with_setting("async_insert", "0")
                .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
                .with_setting("materialized_views_ignore_errors", "0")
                .with_setting("wait_end_of_query", "1")
                // A column that the table does not have must fail the insert, not vanish.
                .with_setting("input_format_skip_unknown_fields", "0")
                .with_setting("max_partitions_per_insert_block", MAX_PARTITIONS)
                // The time is over the whole, below: one clock, so that its end is always told as what it is.
                .with_timeouts(None, None);
            for (name, value) in settings {
                insert = insert.with_setting(*name, *value);
            }
            for (name, value) in self.copied(timeout) {
                insert = insert.with_setting(name, value);
            }
            for piece in frames {
                insert.send(piece.clone()).await?;
            }
            insert.end().await?;
            Ok(())
        };
        tokio::time::timeout(timeout, sending)
            .await
            .unwrap_or(Err(ClickHouseError::TimedOut { after: timeout }))
    }

    /// Inserts those rows of the blocks that are not there, by batch and `EventId`. Where columns were not sent they are empty. For
    /// rows of which a part was lost; nobody else may insert the same at the same time, but for an earlier attempt that nobody waits
    /// for any more: what it stores after this one has looked is known by the token.
    pub async fn insert_missing_within(
        &self,
        blocks: &Insert,
        batches: &[Uuid],
        timeout: Duration,
    ) -> Result<(), ClickHouseError> {
        let table = blocks.table;
        let schema = schema_of(table);
        let names: Vec<_> = schema.iter().map(|(name, _)| quoted(name)).collect();
        let typed: Vec<_> =
            schema.iter().map(|(name, of_type)| format!("{} {of_type}", quoted(name))).collect();
        let (names, typed) = (names.join(", "), text(&typed.join(", ")));
        let list: Vec<_> = batches.iter().map(|batch| format!("'{batch}'")).collect();
        let sql = format!(
            "INSERT INTO {table} ({names}) SELECT {names} FROM input({typed}) WHERE (BatchId, EventId) NOT IN \
             (SELECT BatchId, EventId FROM {table} WHERE BatchId IN ({})) FORMAT Native",
            list.join(", ")
        );
        let mut settings =
            vec![("insert_deduplicate", "1"), ("insert_deduplication_token", blocks.token.as_str())];
        if self.is_remembered_in_keeper() {
            settings.push(SEQUENTIAL);
        }
        self.send_blocks(sql, &blocks.frames, &settings, timeout).await
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
                    let query = self.as_written(self.query(&sql)).param("batches", batches);
                    Ok(query.fetch_all::<(String, u64)>().await?)
                })
                .await?;
            found.extend(rows.into_iter().filter_map(|(batch, rows)| Some((batch.parse().ok()?, rows))));
        }
        Ok(found)
    }

    /// When the server and its machine were started, by the server's own clock; of shards the latest start of any server and
    /// of any machine. `None` where [Keeper remembers](Warehouse::is_remembered_in_keeper): no start of a server tells anything
    /// then, but one has to answer all the same.
    pub async fn life(&self) -> Result<Option<ServerLife>, ClickHouseError> {
        /// The embedded engine has no such table.
        const UNKNOWN_TABLE: u32 = 60;
        if self.is_remembered_in_keeper() {
            self.ping().await?;
            return Ok(None);
        }
        let of = |table: &str| match self.cluster() {
            Some(_) => format!("clusterAllReplicas({{cluster:String}}, {table})"),
            None => table.to_owned(),
        };
        let started = format!(
            "SELECT max(toUnixTimestamp64Milli(now64(3)) - toInt64(uptime()) * 1000) FROM {}",
            of("system.one")
        );
        let machine_started = format!(
            "SELECT max(toUnixTimestamp64Milli(now64(3)) - toInt64(value * 1000)) FROM {} \
             WHERE metric = 'OSUptime' HAVING count() > 0",
            of("system.asynchronous_metrics")
        );
        let started_ms = self.ask_when(&started).await?.unwrap_or_default();
        let machine_started_ms = match self.ask_when(&machine_started).await {
            Ok(machine) => machine,
            Err(error) if error.code() == Some(UNKNOWN_TABLE) => {
                self.is_on_this_machine().then(this_machine_started_ms).flatten()
            }
            Err(error) => return Err(error),
        };
        Ok(Some(ServerLife { started_ms, machine_started_ms }))
    }

    async fn ask_when(&self, sql: &str) -> Result<Option<i64>, ClickHouseError> {
        let mut query = self.query(sql);
        if let Some(cluster) = self.cluster() {
            query = query.param("cluster", &cluster.name);
        }
        self.within_timeout(async { Ok(query.fetch_optional::<i64>().await?) }).await
    }
}

/// When this machine was started, where the system says so.
fn this_machine_started_ms() -> Option<i64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(seconds.trim().parse::<i64>().ok()? * 1000)
}
