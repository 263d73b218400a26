//! A statement that all servers carry out: how it reaches them, and how long it is waited for.
//!
//! With replicas it is sent once, `ON CLUSTER`: Keeper hands it on, and the server that took it waits for the others. It waits for less
//! time than whoever sent it, so that what comes of a server which is away is an error that says which one, and not a silence.

use std::time::Duration;

use super::ClusterConfig;
use crate::migrate::quoted;
use crate::{ClickHouseConfig, ClickHouseError, Query, Warehouse};

/// How long a statement may take that writes parts anew, or waits for replicas that are behind.
pub const SLOW_TIMEOUT: Duration = Duration::from_hours(1);

impl Warehouse {
    /// What a statement for all servers says behind the table's name; nothing where it is sent to each.
    #[must_use]
    pub fn on_cluster(&self) -> String {
        self.cluster().map(ClusterConfig::on_cluster).unwrap_or_default()
    }

    /// To whom a statement for all servers is sent: this server, or each of a cluster without `ON CLUSTER`.
    #[must_use]
    pub fn each(&self) -> Vec<Self> {
        match self.cluster() {
            Some(cluster) if !cluster.is_replicated() => {
                cluster.hosts.iter().map(|url| self.at(url)).collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// A statement for all servers, which is given up after `timeout`.
    pub fn everywhere(&self, query: Query, timeout: Duration) -> Query {
        if self.on_cluster().is_empty() {
            return query;
        }
        let within = (timeout * 5 / 6).as_secs().max(1).to_string();
        query
            .with_setting("distributed_ddl_task_timeout", &within)
            .with_setting("distributed_ddl_output_mode", "throw")
            // A changed column is there when every replica has it, or the next statement and the next writer find one without it.
            .with_setting("alter_sync", "2")
            .with_setting("replication_wait_for_inactive_replica_timeout", &within)
            // SYSTEM SYNC REPLICA waits for as long as it would for an answer.
            .with_setting("receive_timeout", within)
    }

    /// Runs a statement on all servers.
    pub(crate) async fn execute_everywhere(&self, statement: Query) -> Result<(), ClickHouseError> {
        let statement = self.everywhere(statement, self.timeout());
        self.within_timeout(async { Ok(statement.execute().await?) }).await
    }

    /// Waits until every replica has what was inserted into these tables before. Without replicas there is nothing to
    /// wait for.
    ///
    /// # Errors
    ///
    /// A replica does not come along, or is away.
    pub async fn sync_replicas(&self, tables: &[&str]) -> Result<(), ClickHouseError> {
        if self.on_cluster().is_empty() {
            return Ok(());
        }
        for table in tables {
            let sync = self.everywhere(self.query(&sync_statement(self, table)), SLOW_TIMEOUT);
            tokio::time::timeout(SLOW_TIMEOUT, async { Ok(sync.execute().await?) })
                .await
                .unwrap_or(Err(ClickHouseError::TimedOut { after: SLOW_TIMEOUT }))?;
        }
        Ok(())
    }

    fn at(&self, url: &str) -> Self {
        Self::new(&ClickHouseConfig { url: url.to_owned(), ..(*self.config).clone() })
    }
}

/// Names the database: the servers carry the statement out in one of their own. What is waited for is rows, not merges.
fn sync_statement(warehouse: &Warehouse, table: &str) -> String {
    let (on, database) = (warehouse.on_cluster(), quoted(warehouse.database()));
    format!("SYSTEM SYNC REPLICA{on} {database}.{} LIGHTWEIGHT", quoted(&warehouse.local(table)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_to_wait_for_is_named_with_its_database() {
        let cluster = Some(Box::new(ClusterConfig::replicated("granary")));
        let warehouse = Warehouse::new(&ClickHouseConfig { cluster, ..ClickHouseConfig::default() });
        assert_eq!(
            sync_statement(&warehouse, "otel_logs"),
            "SYSTEM SYNC REPLICA ON CLUSTER `granary` `otel`.`otel_logs_local` LIGHTWEIGHT"
        );
    }
}
