//! A session's rows in every table: which there are, and their end.

use std::time::SystemTime;

use granary_clickhouse::cluster::Turn;
use granary_clickhouse::{ClickHouseError, Query, TABLES, Warehouse, new_token, under};
use serde::Deserialize;

use crate::ArchiveError;
use crate::names::SessionName;
use crate::select::unix_ms;
use crate::tables::{SLOW_TIMEOUT, ask, execute_slowly};

/// Tables with the session in their key, besides the telemetry: rollups, marks, plans of restores.
const OWN_TABLES: [&str; 4] = ["sessions", "session_models", "session_archives", "session_restores"];

const OF_SESSION: &str = "TenantId = {tenant:String} AND SessionId = {session:String}";

/// What a round deletes of the logs, and what it subtracts before.
pub(super) const CHOSEN: &str = "TenantId = {tenant:String} AND SessionId = {session:String} AND EventId IN (\
     SELECT EventId FROM session_erasure_events \
     WHERE TenantId = {tenant:String} AND SessionId = {session:String} AND Round = {round:UInt32})";

#[derive(Deserialize)]
struct Count {
    rows: u64,
}

pub(super) async fn count(query: Query) -> Result<u64, ArchiveError> {
    Ok(ask::<Count>(query).await?.first().map_or(0, |count| count.rows))
}

/// A statement about a session. What it reads is what was written, so that no server which is behind has a step left out.
fn of_session(warehouse: &Warehouse, sql: &str, session: &SessionName) -> Query {
    let query = warehouse.query(sql).param("tenant", session.tenant.as_str());
    warehouse.as_written(query.param("session", &session.session))
}

/// Writes down which log records the round is about. Where some are written down already, all are.
pub(super) async fn choose(
    warehouse: &Warehouse,
    session: &SessionName,
    round: u32,
) -> Result<(), ArchiveError> {
    let chosen = format!(
        "SELECT count() AS rows FROM session_erasure_events WHERE {OF_SESSION} AND Round = {{round:UInt32}}"
    );
    if count(of_session(warehouse, &chosen, session).param("round", round)).await? > 0 {
        return Ok(());
    }
    let choose = format!(
        "INSERT INTO session_erasure_events SELECT DISTINCT TenantId, SessionId, {{round:UInt32}}, EventId \
         FROM otel_logs WHERE {OF_SESSION}"
    );
    // Of a few million rows one block and one part, on the session's shard: all of them or none.
    let (token, mut turn) = (new_token(), Turn::default());
    loop {
        let query = of_session(warehouse, &choose, session)
            .param("round", round)
            .with_setting("max_insert_threads", "1")
            .with_setting("min_insert_block_size_rows", MAX_BLOCK_ROWS)
            .with_setting("min_insert_block_size_bytes", "0");
        match execute_slowly(warehouse.to_quorum(under(&token, query))).await {
            Ok(()) => break,
            Err(error) if turn.comes_again(&error).await => {}
            Err(error) => return Err(error.into()),
        }
    }
    // The mutation asks for them on each replica by itself.
    Ok(warehouse.sync_replicas(&["session_erasure_events"]).await?)
}

/// Every table that has something of a session.
pub(super) fn all_tables() -> Vec<&'static str> {
    TABLES.into_iter().chain(OWN_TABLES).chain(["session_erasure_events"]).collect()
}

/// So many ids are one block of an insert: 1.6 GB on the server.
const MAX_BLOCK_ROWS: &str = "100000000";

/// Deletes the chosen log records, and every row of the session in the other tables. Returns how many telemetry rows
/// those were.
pub(super) async fn delete(
    warehouse: &Warehouse,
    session: &SessionName,
    round: u32,
) -> Result<u64, ArchiveError> {
    let mut deleted = 0;
    for table in TABLES {
        deleted += match table {
            "otel_logs" => delete_chosen(warehouse, session, round).await?,
            _ => delete_from(warehouse, table, OF_SESSION, session, round).await?,
        };
    }
    for table in OWN_TABLES {
        delete_from(warehouse, table, OF_SESSION, session, round).await?;
    }
    Ok(deleted)
}

/// Deletes the chosen log records.
///
/// A service with `SharedMergeTree` has any of its servers carry a mutation out, by what that one knows of the chosen ids. Were
/// records left that were subtracted, the next round would choose and subtract them again; so it is looked at what is left.
async fn delete_chosen(
    warehouse: &Warehouse,
    session: &SessionName,
    round: u32,
) -> Result<u64, ArchiveError> {
    const ATTEMPTS: usize = 5;
    let table = "otel_logs";
    let deleted = delete_from(warehouse, table, CHOSEN, session, round).await?;
    if warehouse.cluster().is_some() || !warehouse.is_remembered_in_keeper() {
        return Ok(deleted);
    }
    let mut left = 0;
    for _ in 0..ATTEMPTS {
        left = delete_from(warehouse, table, CHOSEN, session, round).await?;
        if left == 0 {
            return Ok(deleted);
        }
    }
    Err(ArchiveError::NotErased { session: session.session.clone(), left, table })
}

/// The round is done, and its list of records is not needed any more.
pub(super) async fn forget_chosen(
    warehouse: &Warehouse,
    session: &SessionName,
    round: u32,
) -> Result<(), ArchiveError> {
    delete_from(warehouse, "session_erasure_events", OF_SESSION, session, round).await.map(drop)
}

/// Deletes rows from the disk, not from sight: a mutation writes the parts that have them anew. A table without such rows
/// is left alone, since a mutation looks at every part.
async fn delete_from(
    warehouse: &Warehouse,
    table: &'static str,
    condition: &str,
    session: &SessionName,
    round: u32,
) -> Result<u64, ArchiveError> {
    let there = format!("SELECT count() AS rows FROM {table} WHERE {condition}");
    let there = count(of_session(warehouse, &there, session).param("round", round)).await?;
    if there > 0 {
        let delete = |server: &Warehouse| {
            let sql = format!(
                "ALTER TABLE {}{} DELETE WHERE {condition}",
                server.local(table),
                server.on_cluster()
            );
            of_session(server, &sql, session).param("round", round)
        };
        mutate(warehouse, delete).await?;
    }
    Ok(there)
}

/// Runs a mutation and waits for it, on every shard and replica.
pub(super) async fn mutate(
    warehouse: &Warehouse,
    mutation: impl Fn(&Warehouse) -> Query,
) -> Result<(), ClickHouseError> {
    for server in warehouse.each() {
        let query = mutation(&server)
            .with_setting("mutations_sync", "2")
            // Each part asks a condition's tables for itself; what was chosen is the same for all of them.
            .with_setting("allow_nondeterministic_mutations", "1");
        execute_slowly(server.everywhere(query, SLOW_TIMEOUT)).await?;
    }
    Ok(())
}

/// How many rows of a session there are, in all tables.
pub(super) async fn left(warehouse: &Warehouse, session: &SessionName) -> Result<u64, ArchiveError> {
    let tables = TABLES.into_iter().chain(OWN_TABLES);
    let counts: Vec<_> =
        tables.map(|table| format!("SELECT count() AS of FROM {table} WHERE {OF_SESSION}")).collect();
    let sql = format!("SELECT sum(of) AS rows FROM ({})", counts.join(" UNION ALL "));
    count(of_session(warehouse, &sql, session)).await
}

/// Sessions that were erased and have rows that arrived at `since` or later, and those whose erasure was stopped.
pub(super) async fn late(warehouse: &Warehouse, since: SystemTime) -> Result<Vec<SessionName>, ArchiveError> {
    // One pass takes no more; the others are the next one's.
    const MAX: u32 = 1000;
    // Most warehouses never erase a session, and tables are large.
    let any = warehouse.query("SELECT count() AS rows FROM session_erasures");
    if count(any).await? == 0 {
        return Ok(Vec::new());
    }
    let erased = "(TenantId, SessionId) IN (SELECT TenantId, SessionId FROM session_erasures)";
    let arrived = "IngestedAt >= fromUnixTimestamp64Milli({since:Int64})";
    let telemetry =
        TABLES.map(|table| format!("SELECT TenantId, SessionId FROM {table} WHERE {erased} AND {arrived}"));
    let own = OWN_TABLES.map(|table| format!("SELECT TenantId, SessionId FROM {table} WHERE {erased}"));
    let sql = format!(
        "SELECT DISTINCT TenantId AS tenant, SessionId AS session FROM (\
         SELECT TenantId, SessionId FROM session_erasures GROUP BY TenantId, SessionId, Round HAVING max(Step) < 3 \
         UNION ALL {} UNION ALL {}) ORDER BY tenant, session LIMIT {{limit:UInt32}}",
        telemetry.join(" UNION ALL "),
        own.join(" UNION ALL ")
    );
    ask(warehouse.query(&sql).param("limit", MAX).param("since", unix_ms(since))).await
}
