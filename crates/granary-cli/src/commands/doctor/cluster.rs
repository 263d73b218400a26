//! A cluster: do the servers know it, have all of them the tables, and is what replicas are named by set?

use granary_clickhouse::{ClickHouseError, ClusterConfig, Warehouse};

use super::{Check, text};

const NAME: &str = "cluster";

/// Nothing where the server is alone.
pub(super) async fn check(owner: &Warehouse) -> Option<Check> {
    let Some(cluster) = owner.cluster() else { return shared(owner).await };
    Some(judge(owner, cluster).await.unwrap_or_else(|error| {
        Check::fail(
            NAME,
            format!("{} cannot be asked: {}", cluster.name, text(error)),
            "see to it that all its servers run and know one another, and that the user may read them: GRANT REMOTE ON *.*",
        )
    }))
}

const SHARED: &str =
    "SELECT count() FROM system.tables WHERE database = currentDatabase() AND startsWith(engine, 'Shared')";

/// Whether the tables are those of a service whose servers share them, and the settings say so.
async fn shared(owner: &Warehouse) -> Option<Check> {
    const NAME: &str = "shared tables";
    let is_said = owner.is_remembered_in_keeper();
    match owner.query(SHARED).fetch_one::<u64>().await {
        Ok(0) if is_said => {
            let advice = "see to it that the service is one with SharedMergeTree, or leave clickhouse.shared_merge_tree out";
            Some(Check::warn(NAME, "no table is in SharedMergeTree".to_owned(), advice))
        }
        Ok(0) => None,
        Ok(tables) if is_said => Some(Check::ok(NAME, format!("{tables} tables are in SharedMergeTree"))),
        Ok(tables) => {
            let advice = "set clickhouse.shared_merge_tree to true for every role, or archivers may take a session both";
            Some(Check::fail(NAME, format!("{tables} tables are in SharedMergeTree"), advice))
        }
        Err(error) => {
            let error = ClickHouseError::from(error);
            Some(Check::warn(NAME, text(error), "see to it that the user may read system.tables"))
        }
    }
}

const SERVERS: &str = "SELECT uniqExact(shard_num), count(), countIf(internal_replication = 0) FROM system.clusters \
     WHERE cluster = {cluster:String}";

const MACROS: &str = "SELECT count() FROM clusterAllReplicas({cluster:String}, system.macros) \
     WHERE macro IN ('shard', 'replica')";

async fn judge(owner: &Warehouse, cluster: &ClusterConfig) -> Result<Check, ClickHouseError> {
    let query = owner.query(SERVERS).param("cluster", &cluster.name);
    let (shards, servers, written_each): (u64, u64, u64) = query.fetch_one().await?;
    let name = &cluster.name;
    if servers == 0 {
        let known: Vec<String> =
            owner.query("SELECT DISTINCT cluster FROM system.clusters ORDER BY cluster").fetch_all().await?;
        let advice = "name a cluster of remote_servers in clickhouse.cluster, and have it on every server";
        return Ok(Check::fail(NAME, format!("{name} is not among {}", known.join(", ")), advice));
    }
    if cluster.is_replicated() {
        if written_each > 0 {
            let advice = "set internal_replication to true for every shard in remote_servers: replicas copy by themselves";
            return Ok(Check::fail(NAME, format!("inserts go to each replica of {name}"), advice));
        }
        if !cluster.replica_path.contains("{shard}") {
            let advice =
                "let clickhouse.replica_path contain {shard}, or all shards are replicas of one another";
            return Ok(Check::fail(
                NAME,
                format!("{} is the same for every shard", cluster.replica_path),
                advice,
            ));
        }
        let named: u64 = owner.query(MACROS).param("cluster", name).fetch_one().await?;
        let needed = if cluster.replica_name.contains("{replica}") { 2 * servers } else { servers };
        if named < needed {
            let advice = "set the macros shard and replica on every server, or clickhouse.replica_path and replica_name";
            return Ok(Check::fail(NAME, format!("servers of {name} lack a macro"), advice));
        }
    } else if cluster.hosts.len() as u64 != servers {
        let (hosts, advice) =
            (cluster.hosts.len(), "list one address of each shard in clickhouse.cluster_hosts");
        return Ok(Check::fail(
            NAME,
            format!("{name} has {servers} servers, and {hosts} are listed"),
            advice,
        ));
    }
    let missing = owner.missing_somewhere().await?;
    if !missing.is_empty() {
        let mut names: Vec<_> = missing.iter().map(|table| table.name.as_str()).collect();
        names.sort_unstable();
        let found = format!("some servers of {name} lack {}", names.join(", "));
        return Ok(Check::fail(NAME, found, "run `granary migrate`"));
    }
    if cluster.is_replicated() && servers < 2 * shards {
        let found = format!("{name} has {shards} shards and {servers} servers: some rows are on one alone");
        let advice = "give each shard two replicas, or better three, of which one may be away; what the only machine of a shard \
                      loses with its power is lost";
        return Ok(Check::warn(NAME, found, advice));
    }
    Ok(Check::ok(NAME, format!("{name}: {shards} shards, {servers} servers, all with the same tables")))
}
