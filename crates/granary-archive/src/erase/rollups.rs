//! The rollups that are sums over many sessions, without the session's share: its inverse, inserted.
//!
//! A row of the inverse has the keys that the materialized view made, and the negative of its sums: counters are 64-bit
//! integers that wrap around, so that `2^64 - n` and `n` add up to nothing; the quantiles' state counts values by bucket,
//! and the inverse counts each value minus one times, for which the weighted form of the function is asked.
//!
//! **Once**, although the server forgets tokens: with the inverse of a month comes a row under a tenant that nobody has
//! (the receipt), in the same part, so that both are there or neither is. A month that has its receipt is left out.

use std::time::Duration;

use bytes::Bytes;
use granary_clickhouse::{ClickHouseError, Query, Warehouse};
use serde::Deserialize;
use tokio::time::timeout;

use super::rows::{CHOSEN, count, mutate};
use crate::ArchiveError;
use crate::digest::Digest;
use crate::names::SessionName;
use crate::tables::{SLOW_TIMEOUT, ask, execute_slowly};

/// A rollup over many sessions.
struct Rollup {
    table: &'static str,
    /// The inverse, as the view's statement in `ddl/` with every sum negated; `{which}` is which records it is of.
    inverse: &'static str,
    /// A row that says nothing.
    is_zero: &'static str,
}

const ROLLUPS: [Rollup; 2] = [
    Rollup {
        table: "cost_hourly",
        inverse: "SELECT TenantId, toStartOfHour(toDateTime(Timestamp, 'UTC')) AS Hour, Model, TeamId, Project, UserId, \
             LogAttributes['organization.id'] AS Organization, LogAttributes['terminal.type'] AS Terminal, \
             ResourceAttributes['service.version'] AS Version, LogAttributes['query_source'] AS QuerySource, \
             LogAttributes['agent.name'] AS Agent, LogAttributes['skill.name'] AS Skill, \
             LogAttributes['mcp_server.name'] AS McpServer, LogAttributes['speed'] AS Speed, \
             otel_logs.InputTokens + otel_logs.CacheReadTokens + otel_logs.CacheCreationTokens > 200000 AS LongContext, \
             toUInt64(0 - count()) AS Requests, -sum(otel_logs.Cost) AS Cost, \
             toUInt64(0 - sum(otel_logs.InputTokens)) AS InputTokens, \
             toUInt64(0 - sum(otel_logs.OutputTokens)) AS OutputTokens, \
             toUInt64(0 - sum(otel_logs.CacheReadTokens)) AS CacheReadTokens, \
             toUInt64(0 - sum(otel_logs.CacheCreationTokens)) AS CacheCreationTokens, \
             toUInt64(0 - sum(otel_logs.CacheCreation5mTokens)) AS CacheCreation5mTokens, \
             toUInt64(0 - sum(otel_logs.CacheCreation1hTokens)) AS CacheCreation1hTokens, \
             toUInt64(0 - sum(otel_logs.DurationMs)) AS DurationMs \
             FROM otel_logs WHERE AgentEvent = 'api_request' AND {which} \
             GROUP BY TenantId, Hour, Model, TeamId, Project, UserId, Organization, Terminal, Version, QuerySource, Agent, \
             Skill, McpServer, Speed, LongContext",
        is_zero: "Requests = 0 AND Cost = 0 AND InputTokens = 0 AND OutputTokens = 0 AND CacheReadTokens = 0 \
             AND CacheCreationTokens = 0 AND DurationMs = 0",
    },
    Rollup {
        table: "tool_usage_hourly",
        inverse: "SELECT TenantId, toStartOfHour(toDateTime(Timestamp, 'UTC')) AS Hour, ToolName, TeamId, Project, UserId, \
             LogAttributes['terminal.type'] AS Terminal, ResourceAttributes['service.version'] AS Version, \
             toUInt64(0 - countIf(AgentEvent = 'tool_result')) AS Calls, \
             toUInt64(0 - countIf(AgentEvent = 'tool_result' AND ifNull(Success, false))) AS Ok, \
             toUInt64(0 - countIf(AgentEvent = 'tool_result' AND NOT ifNull(Success, false))) AS Failed, \
             toUInt64(0 - sumIf(otel_logs.DurationMs, AgentEvent = 'tool_result')) AS DurationMs, \
             CAST(toString(quantilesBFloat16WeightedStateIf(0.5, 0.95, 0.99)(\
             otel_logs.DurationMs, toUInt64(0 - 1), AgentEvent = 'tool_result')), \
             'AggregateFunction(quantilesBFloat16(0.5, 0.95, 0.99), UInt64)') AS DurationQuantiles, \
             toUInt64(0 - countIf(AgentEvent = 'tool_decision' AND LogAttributes['decision'] = 'accept')) AS Accepted, \
             toUInt64(0 - countIf(AgentEvent = 'tool_decision' AND LogAttributes['decision'] = 'reject')) AS Rejected \
             FROM otel_logs WHERE AgentEvent IN ('tool_result', 'tool_decision') AND {which} \
             GROUP BY TenantId, Hour, ToolName, TeamId, Project, UserId, Terminal, Version",
        is_zero: "Calls = 0 AND Ok = 0 AND Failed = 0 AND DurationMs = 0 AND Accepted = 0 AND Rejected = 0",
    },
];

/// A row is an hour and what people ask by, some hundred bytes: this is a session of years.
const MAX_INVERSE_BYTES: usize = 64 << 20;

/// Takes the chosen records out of the rollups. When this returns, it was done once.
///
/// In a cluster a rollup's rows are on the shard of the records that they are of, and so must be their inverse.
pub(super) async fn subtract(
    warehouse: &Warehouse,
    session: &SessionName,
    round: u32,
) -> Result<(), ArchiveError> {
    warehouse.sync_replicas(&ROLLUPS.map(|rollup| rollup.table)).await?;
    let receipt = receipt(session, round);
    let bind = |query: Query| {
        let query = query.param("tenant", session.tenant.as_str()).param("session", &session.session);
        warehouse.as_written(query.param("round", round).param("receipt", &receipt))
    };
    for shard in warehouse.shards_of(&format!("otel_logs WHERE {CHOSEN}"), bind).await? {
        let on_shard = if shard.is_some() { " AND _shard_num = {shard:UInt32}" } else { "" };
        for Rollup { table, inverse, .. } in &ROLLUPS {
            let which = format!(
                "{CHOSEN}{on_shard} AND toYYYYMM(toDateTime(Timestamp, 'UTC')) NOT IN (\
                 SELECT toYYYYMM(Hour) FROM {table} WHERE TenantId = {{receipt:String}}{on_shard})"
            );
            let inverse = inverse.replace("{which}", &which);
            let rows = format!(
                "WITH inverse AS ({inverse}) SELECT * FROM inverse UNION ALL \
                 SELECT * REPLACE ({{receipt:String}} AS TenantId) FROM (SELECT * FROM inverse LIMIT 1 BY toYYYYMM(Hour))"
            );
            let rows = bind(warehouse.query(&rows)).param("shard", shard.unwrap_or_default());
            let answer = collect(rows, table).await?;
            if !answer.is_empty() {
                // The token keeps two erasures that have come here at the same time from doing it twice.
                warehouse.insert_answer(table, answer, &receipt, shard).await?;
            }
        }
    }
    Ok(())
}

/// Reads the inverse of a rollup; nothing where it has no rows.
async fn collect(rows: Query, table: &str) -> Result<Vec<Bytes>, ArchiveError> {
    let mut rows = rows.fetch_bytes("Native").map_err(ClickHouseError::from)?;
    let mut answer = Vec::new();
    let mut bytes = 0;
    while let Some(piece) = timeout(SLOW_TIMEOUT, rows.next())
        .await
        .map_err(|_| ClickHouseError::TimedOut { after: SLOW_TIMEOUT })?
        .map_err(ClickHouseError::from)?
    {
        bytes += piece.len();
        if bytes > MAX_INVERSE_BYTES {
            return Err(ArchiveError::Answer {
                problem: format!("the session's share of {table} is over {MAX_INVERSE_BYTES} bytes"),
            });
        }
        answer.push(piece);
    }
    Ok(answer)
}

/// Merges the inverse with what it is the inverse of, and deletes the keys that say nothing any more: they name users and
/// teams of which nothing may be left. A row of nothing but zeros can be deleted whatever else goes on.
pub(super) async fn clear(
    warehouse: &Warehouse,
    session: &SessionName,
    round: u32,
) -> Result<(), ArchiveError> {
    let receipt = receipt(session, round);
    for Rollup { table, is_zero, .. } in &ROLLUPS {
        let months = format!(
            "SELECT DISTINCT toYYYYMM(Hour) AS month FROM {table} WHERE TenantId = {{receipt:String}}"
        );
        let months = warehouse.query(&months).param("receipt", &receipt);
        let months = ask::<Month>(warehouse.as_written(months)).await?;
        if months.is_empty() {
            continue;
        }
        let keys = Keys { warehouse, session, receipt: &receipt, table };
        let (zero, receipts) =
            (format!("TenantId = {{tenant:String}} AND {is_zero}"), "TenantId = {receipt:String}");
        if !is_merged_together(warehouse) {
            keys.merge(&months).await?;
            keys.delete(&format!("{receipts} OR ({zero})")).await?;
            continue;
        }
        // One statement for all servers cannot say of each whether it merged, so what a merge would give is looked at.
        let left = until_gone(|| async {
            keys.merge(&months).await?;
            keys.delete(&zero).await?;
            keys.count(&zero).await
        });
        let left = left.await?;
        // The keys that are left name people of whom nothing may be: the erasure is not over.
        if left > 0 {
            return Err(ArchiveError::NotErased { session: session.session.clone(), left, table });
        }
        // The receipts say which months to look at, so they go last.
        keys.delete(receipts).await?;
    }
    Ok(())
}

/// Keys of a rollup that a session's erasure is about.
struct Keys<'a> {
    warehouse: &'a Warehouse,
    session: &'a SessionName,
    receipt: &'a str,
    table: &'static str,
}

impl Keys<'_> {
    async fn merge(&self, months: &[Month]) -> Result<(), ArchiveError> {
        for Month { month } in months {
            merge(self.warehouse, self.table, *month).await?;
        }
        Ok(())
    }

    async fn delete(&self, condition: &str) -> Result<(), ArchiveError> {
        let delete = |server: &Warehouse| {
            let (table, on) = (server.local(self.table), server.on_cluster());
            self.bind(server.query(&format!("ALTER TABLE {table}{on} DELETE WHERE {condition}")))
        };
        Ok(mutate(self.warehouse, delete).await?)
    }

    /// How many there are once they are merged.
    async fn count(&self, condition: &str) -> Result<u64, ArchiveError> {
        let sql = format!("SELECT count() AS rows FROM {} FINAL WHERE {condition}", self.table);
        count(self.bind(self.warehouse.query(&sql))).await
    }

    fn bind(&self, query: Query) -> Query {
        let query = query.param("tenant", self.session.tenant.as_str()).param("receipt", self.receipt);
        self.warehouse.as_written(query)
    }
}

/// Does it again until nothing is left, as often as there are attempts; says how much is left.
async fn until_gone<Left>(attempt: impl Fn() -> Left) -> Result<u64, ArchiveError>
where
    Left: Future<Output = Result<u64, ArchiveError>>,
{
    let mut left = attempt().await?;
    for _ in 1..MERGE_ATTEMPTS {
        if left == 0 {
            break;
        }
        tokio::time::sleep(MERGE_PAUSE).await;
        left = attempt().await?;
    }
    Ok(left)
}

#[derive(Deserialize)]
struct Month {
    month: u32,
}

/// Whether the servers are told to merge with one statement.
fn is_merged_together(warehouse: &Warehouse) -> bool {
    !warehouse.on_cluster().is_empty()
}

/// Merges all parts of a month into one, on every shard.
async fn merge(warehouse: &Warehouse, table: &str, month: u32) -> Result<(), ArchiveError> {
    for server in warehouse.each() {
        let (table, on) = (server.local(table), server.on_cluster());
        let optimize = server.query(&format!("OPTIMIZE TABLE {table}{on} PARTITION ID '{month}' FINAL"));
        if is_merged_together(&server) {
            execute_slowly(server.everywhere(optimize, SLOW_TIMEOUT)).await?;
            continue;
        }
        // A shard without the month has nothing to merge, which it would call an error.
        let rows = format!("SELECT count() AS rows FROM {table} WHERE toYYYYMM(Hour) = {{month:UInt32}}");
        if count(server.query(&rows).param("month", month)).await? > 0 {
            merge_parts(&optimize).await?;
        }
    }
    Ok(())
}

async fn merge_parts(optimize: &Query) -> Result<(), ArchiveError> {
    /// Parts are taken by another merge: it has to end first.
    const CANNOT_ASSIGN_OPTIMIZE: u32 = 388;
    for attempt in 1.. {
        let merged = optimize.clone().with_setting("optimize_throw_if_noop", "1");
        match execute_slowly(merged).await {
            Err(error) if error.code() == Some(CANNOT_ASSIGN_OPTIMIZE) && attempt < MERGE_ATTEMPTS => {
                tokio::time::sleep(MERGE_PAUSE).await;
            }
            other => return Ok(other?),
        }
    }
    Ok(())
}

/// Together two minutes: merges of a rollup take seconds.
const MERGE_ATTEMPTS: u32 = 240;
const MERGE_PAUSE: Duration = Duration::from_millis(500);

/// The tenant whose rows say that a round was subtracted. They are there for as long as the round goes on.
fn receipt(session: &SessionName, round: u32) -> String {
    let of_session = Digest::default().text(session.tenant.as_str()).text(&session.session);
    let hex = of_session.number(round.to_le_bytes()).hex();
    format!("granary erasure {hex}")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_left_after_the_last_attempt_is_told_and_not_passed_over() {
        let attempts = Cell::new(0);
        let left_after = async |enough: u32| {
            attempts.set(0);
            let attempt = || async {
                attempts.set(attempts.get() + 1);
                Ok(if attempts.get() >= enough { 0 } else { 7 })
            };
            until_gone(attempt).await.unwrap()
        };
        assert_eq!((left_after(3).await, attempts.get()), (0, 3));
        assert_eq!((left_after(MERGE_ATTEMPTS).await, attempts.get()), (0, MERGE_ATTEMPTS));
        assert_eq!((left_after(u32::MAX).await, attempts.get()), (7, MERGE_ATTEMPTS));
    }
}
