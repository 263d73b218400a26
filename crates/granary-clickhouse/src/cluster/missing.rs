//! A server that came later: which tables it lacks, and how it gets them.
//!
//! The files of `ddl/` do not make them. Where a table is replicated, Keeper knows the columns that it has by now, and refuses a replica
//! which is made with the first file's. So a table is made as a server that has it says it is; its rows come by themselves.

use std::collections::HashSet;

use serde::Deserialize;

use super::ClusterConfig;
use crate::{ClickHouseError, Warehouse, migrate};

/// A table or view of `ddl/` that some servers have and others have not.
#[derive(Debug, Clone, PartialEq, Eq, clickhouse::Row, Deserialize)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// As a server that has it says it is.
    made: String,
}

impl Missing {
    /// The statement that makes it on every server which lacks it; nothing if the server words it as none of ours.
    ///
    /// It keeps the table's UUID, which in some versions the tokens of a view's rows are made of.
    #[must_use]
    pub fn statement(&self, cluster: &ClusterConfig) -> Option<String> {
        let kinds = ["CREATE TABLE ", "CREATE MATERIALIZED VIEW ", "CREATE VIEW "];
        let kind = kinds.into_iter().find(|kind| self.made.starts_with(kind))?;
        let named = self.made.strip_prefix(kind)?;
        let (database, rest) = identifier(named)?;
        let (table, rest) = identifier(rest.strip_prefix('.')?)?;
        let (uuid, rest) = match rest.strip_prefix(" UUID '").and_then(|rest| rest.split_once('\'')) {
            Some((uuid, rest)) => (format!(" UUID '{uuid}'"), rest),
            None => (String::new(), rest),
        };
        Some(format!("{kind}IF NOT EXISTS {database}.{table}{uuid}{}{rest}", cluster.on_cluster()))
    }
}

/// A name at the beginning, as ClickHouse writes it, and what comes after.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let end = if text.starts_with('`') {
        let mut is_escaped = false;
        let closing = text.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == '`' && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            closes
        });
        closing?.0 + 1
    } else {
        text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
    };
    text.split_at_checked(end).filter(|(name, _)| !name.is_empty())
}

/// Tables first, then what reads them. Views are made of tables, and of one another only by ways that a server does not check.
const SQL: &str = "SELECT name, any(create_table_query) AS made FROM clusterAllReplicas({cluster:String}, system.tables) \
     WHERE database = {database:String} AND name IN {names:Array(String)} GROUP BY name \
     HAVING count() < (SELECT count() FROM clusterAllReplicas({cluster:String}, system.one)) \
     ORDER BY indexOf(['Distributed', 'View', 'MaterializedView'], any(engine)), name";

impl Warehouse {
    /// Tables and views of `ddl/` that some servers of the cluster have and others have not, in the order to make them in: there is a
    /// new server, or a run was cut off. An operator's own tables do not count.
    ///
    /// # Errors
    ///
    /// A server of the cluster does not answer.
    pub async fn missing_somewhere(&self) -> Result<Vec<Missing>, ClickHouseError> {
        let Some(cluster) = self.cluster() else { return Ok(Vec::new()) };
        // A file that cannot be rendered is for `granary migrate` to report.
        let statements = migrate::all_statements(&self.config).unwrap_or_default();
        let names: HashSet<&str> = statements.iter().filter_map(|made| super::made_by(made)).collect();
        let client = self.without_database();
        let query = client
            .query_raw(SQL)
            .param("cluster", &cluster.name)
            .param("database", self.database())
            .param("names", names.into_iter().collect::<Vec<_>>())
            .with_setting("show_table_uuid_in_table_create_query_if_not_nil", "1")
            .with_setting("skip_unavailable_shards", "0");
        self.within_timeout(async { Ok(query.fetch_all().await?) }).await
    }

    /// Whether any server of the cluster has a table.
    pub(crate) async fn is_somewhere(&self, table: &str) -> Result<bool, ClickHouseError> {
        const SQL: &str = "SELECT count() FROM clusterAllReplicas({cluster:String}, system.tables) \
             WHERE database = {database:String} AND name = {table:String}";
        let Some(cluster) = self.cluster() else { return Ok(false) };
        let query = self
            .without_database()
            .query_raw(SQL)
            .param("cluster", &cluster.name)
            .param("database", self.database())
            .param("table", table)
            // One that has it is enough.
            .with_setting("skip_unavailable_shards", "1");
        Ok(self.within_timeout(async { Ok(query.fetch_one::<u64>().await?) }).await? > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(made: &str) -> Option<String> {
        let missing = Missing { name: String::new(), made: made.to_owned() };
        missing.statement(&ClusterConfig::replicated("c"))
    }

    #[test]
    fn a_table_is_made_as_the_others_have_it_and_keeps_its_uuid() {
        assert_eq!(
            statement("CREATE TABLE otel.t_local UUID '1-2' (`a` UInt8) ENGINE = ReplicatedMergeTree('/{shard}', '{replica}') ORDER BY a")
                .unwrap(),
            "CREATE TABLE IF NOT EXISTS otel.t_local UUID '1-2' ON CLUSTER `c` (`a` UInt8) ENGINE = ReplicatedMergeTree('/{shard}', \
             '{replica}') ORDER BY a"
        );
        assert_eq!(
            statement("CREATE MATERIALIZED VIEW `o\\`t.l`.v TO otel.t (`a` UInt8) AS SELECT 1").unwrap(),
            "CREATE MATERIALIZED VIEW IF NOT EXISTS `o\\`t.l`.v ON CLUSTER `c` TO otel.t (`a` UInt8) AS SELECT 1"
        );
        assert_eq!(statement("CREATE DICTIONARY otel.d (`a` UInt8)"), None);
    }
}
