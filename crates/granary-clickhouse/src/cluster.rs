//! A ClickHouse of several servers: what is told of it, and how a statement reaches all of them.
//!
//! Each table that is shared out is there twice: `otel_logs_local` holds a server's own rows, and `otel_logs` is
//! `Distributed` over all of them. Whoever reads or inserts uses the name that a single server's table has, so no query,
//! no view and no other writer needs to know of the cluster. Only what changes tables (migrations, mutations, merges) goes
//! to the local ones, on every server:
//!
//! | | plain shards (`hosts` given) | replicated shards |
//! |---|---|---|
//! | tables | `MergeTree` | `ReplicatedMergeTree`, which needs Keeper |
//! | a statement for all servers | is sent to each of `hosts` | is sent once, with `ON CLUSTER` |
//! | tables that are whole on every server | are filled on each | have one path for all shards |
//!
//! A service with `SharedMergeTree`, as ClickHouse Cloud is, is none of these: its servers have the same rows, and statements
//! go to any of them. What it has in common with replicas is that Keeper remembers, and that a server may be behind.

mod everywhere;
mod layout;
mod missing;
mod render;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use layout::{Place, is_read_after_written};
pub(crate) use render::{made_by, render, render_view, text, with_both_windows};

use crate::migrate::quoted;
use crate::{ClickHouseError, Query, Warehouse};

pub use everywhere::SLOW_TIMEOUT;
pub use render::RenderError;

/// A cluster of `system.clusters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// Its name among the servers' `remote_servers`.
    pub name: String,
    /// The servers' HTTP interfaces, as in `http://10.0.0.1:8123`, one of each shard, where tables are not replicated and
    /// there is no Keeper. Empty where they are.
    pub hosts: Vec<String>,
    /// The path of a replicated table in Keeper; the servers' macros are filled in by them.
    pub replica_path: String,
    /// The name of a replica in Keeper.
    pub replica_name: String,
}

impl ClusterConfig {
    /// The path that ClickHouse's own examples have.
    pub const REPLICA_PATH: &'static str = "/clickhouse/tables/{shard}/{database}/{table}";
    /// The macro that ClickHouse's own examples have.
    pub const REPLICA_NAME: &'static str = "{replica}";

    /// A cluster whose tables are replicated.
    #[must_use]
    pub fn replicated(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            hosts: Vec::new(),
            replica_path: Self::REPLICA_PATH.to_owned(),
            replica_name: Self::REPLICA_NAME.to_owned(),
        }
    }

    /// A cluster of shards without replicas.
    #[must_use]
    pub fn plain(name: &str, hosts: Vec<String>) -> Self {
        Self { hosts, ..Self::replicated(name) }
    }

    /// Whether tables are replicated.
    #[must_use]
    pub fn is_replicated(&self) -> bool {
        self.hosts.is_empty()
    }

    /// What a statement says to be carried out by all servers, with a space in front.
    pub(crate) fn on_cluster(&self) -> String {
        if self.is_replicated() { format!(" ON CLUSTER {}", quoted(&self.name)) } else { String::new() }
    }
}

/// What every request to a cluster says, so that no server's own settings decide.
pub(crate) const SETTINGS: [(&str, &str); 4] = [
    // An insert is answered when it is on its shards, not when the server that took it has it in a file.
    ("distributed_foreground_insert", "1"),
    // An insert of what a query gives is one insert: one block, one shard, all of it or nothing.
    ("parallel_distributed_insert_select", "0"),
    // What a condition or a join asks of another table is asked of all shards.
    ("distributed_product_mode", "global"),
    // Half of the shards is not an answer.
    ("skip_unavailable_shards", "0"),
];

/// What [`Warehouse::as_written`] asks with.
pub(crate) const SEQUENTIAL: (&str, &str) = ("select_sequential_consistency", "1");

impl Warehouse {
    /// The cluster, where there is one.
    #[must_use]
    pub fn cluster(&self) -> Option<&ClusterConfig> {
        self.config.cluster.as_deref()
    }

    /// The name of the table that has a server's own rows, for statements that change it.
    #[must_use]
    pub fn local(&self, table: &str) -> String {
        match self.cluster() {
            Some(_) if Place::of(table) != Some(Place::Everywhere) => layout::local(table),
            _ => table.to_owned(),
        }
    }

    /// The shards that hold rows of a query, by number; `None` where there is one server.
    ///
    /// `rows` is what follows `FROM`, of ours.
    pub async fn shards_of(
        &self,
        rows: &str,
        bind: impl Fn(Query) -> Query,
    ) -> Result<Vec<Option<u32>>, ClickHouseError> {
        if self.cluster().is_none() {
            return Ok(vec![None]);
        }
        let query = bind(self.query(&format!("SELECT DISTINCT _shard_num FROM {rows} ORDER BY _shard_num")));
        let shards: Vec<u32> = self.within_timeout(async { Ok(query.fetch_all().await?) }).await?;
        Ok(shards.into_iter().map(Some).collect())
    }

    /// Asks for what was written, also where a server is behind the one that took it. Of replicas, what was written without
    /// [`Warehouse::to_quorum`] may be missing all the same; `SharedMergeTree` asks Keeper what there is, and misses nothing.
    pub fn as_written(&self, query: Query) -> Query {
        if self.is_remembered_in_keeper() { query.with_setting(SEQUENTIAL.0, SEQUENTIAL.1) } else { query }
    }

    /// Asks replicas that are hardly behind, where a shard has one. For who follows what is stored: that may be missed, and must not be
    /// missed for minutes, which is what a server thinks a replica may be behind by.
    pub fn as_of_late(&self, query: Query) -> Query {
        const MOST_BEHIND: &str = "2";
        if self.on_cluster().is_empty() {
            return query;
        }
        query.with_setting("max_replica_delay_for_distributed_queries", MOST_BEHIND)
    }

    /// Inserts so that most replicas of a shard have it when the insert is answered.
    pub fn to_quorum(&self, query: Query) -> Query {
        self.quorum().into_iter().fold(query, |query, (name, value)| query.with_setting(name, value))
    }

    /// Whether Keeper remembers tokens, and which rows there are: both outlive any server and its machine. What a single
    /// replica says of them does not count, since it may be behind.
    #[must_use]
    pub fn is_remembered_in_keeper(&self) -> bool {
        self.config.shared_merge_tree || self.cluster().is_some_and(ClusterConfig::is_replicated)
    }

    /// Settings of an insert that is on most replicas of its shard when it is answered, so that no machine which loses its
    /// power takes it along. Inserts need not wait for one another.
    pub(crate) fn copied(&self, timeout: Duration) -> Vec<(&'static str, String)> {
        match self.cluster() {
            Some(cluster) if cluster.is_replicated() => vec![
                ("insert_quorum", "auto".to_owned()),
                ("insert_quorum_parallel", "1".to_owned()),
                ("insert_quorum_timeout", timeout.as_millis().to_string()),
            ],
            _ => Vec::new(),
        }
    }

    /// Settings of an insert that [`Warehouse::as_written`] is to see.
    pub(crate) fn quorum(&self) -> Vec<(&'static str, &'static str)> {
        match self.cluster() {
            Some(cluster) if cluster.is_replicated() => {
                vec![("insert_quorum", "auto"), ("insert_quorum_parallel", "0")]
            }
            _ => Vec::new(),
        }
    }
}

/// The turn of a statement about tables that are written with a quorum: a shard takes one insert at a time into such a table, and tells
/// who comes second; and a replica that has not got the last one yet tells who would read it.
#[derive(Debug, Default)]
pub struct Turn {
    attempts: u32,
}

impl Turn {
    /// Whether the statement is to be sent again, after a pause.
    pub async fn comes_again(&mut self, error: &ClickHouseError) -> bool {
        /// `UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE`, `REPLICA_IS_NOT_IN_QUORUM`
        const NOT_YET: [u32; 2] = [286, 289];
        const ATTEMPTS: u32 = 50;
        const PAUSE: Duration = Duration::from_millis(100);
        self.attempts += 1;
        let again = error.code().is_some_and(|code| NOT_YET.contains(&code)) && self.attempts < ATTEMPTS;
        if again {
            tokio::time::sleep(PAUSE).await;
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_comes_too_early_comes_again_for_some_seconds() {
        let error = |code| ClickHouseError::Server { code, message: String::new() };
        for code in [286, 289] {
            let (mut turn, mut attempts) = (Turn::default(), 1);
            while turn.comes_again(&error(code)).await {
                attempts += 1;
            }
            assert_eq!(attempts, 50);
        }
        assert!(!Turn::default().comes_again(&error(60)).await);
    }
}
