//! Which sessions are due, and what the warehouse holds of one.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use serde::Deserialize;

use crate::ArchiveError;
use crate::tables::{METRIC_TABLES, ask};

/// A session that is to be archived.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DueSession {
    /// Whose it is.
    pub tenant: TenantId,
    /// The session.
    pub session: String,
    /// When the newest of its records was received, in milliseconds since 1970.
    pub newest_ingested_at_ms: i64,
}

/// One pass takes no more sessions; what is left is due at the next.
pub(crate) const MAX_DUE: usize = 10_000;

/// What the warehouse holds of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Holdings {
    pub(crate) logs: u64,
    pub(crate) spans: u64,
    pub(crate) points: u64,
    /// When the newest record was received, in milliseconds since 1970.
    pub(crate) newest_ms: i64,
}

impl Holdings {
    /// How many records there are.
    pub(crate) fn records(&self) -> u64 {
        self.logs + self.spans + self.points
    }

    /// Whether something is missing that the other has.
    pub(crate) fn lacks(&self, other: &Self) -> bool {
        self.logs < other.logs || self.spans < other.spans || self.points < other.points
    }
}

impl std::fmt::Display for Holdings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { logs, spans, points, newest_ms: _ } = self;
        write!(f, "{logs} logs, {spans} spans and {points} metric points")
    }
}

/// Finds sessions of which nothing arrived within `quiet` before `now`, and which are not archived, or have
/// records that their object has not.
///
/// Only sessions of which something arrived at `since` or later are looked at. With the beginning of time that is
/// every session, and only then a record is found that was stored late under an early time of arrival, as
/// happens after ClickHouse was away.
pub(crate) async fn due(
    warehouse: &Warehouse,
    now: SystemTime,
    quiet: Duration,
    since: SystemTime,
) -> Result<Vec<DueSession>, ArchiveError> {
    static SQL: OnceLock<String> = OnceLock::new();
    let query = warehouse
        .query(SQL.get_or_init(due_sql))
        .param("since", unix_ms(since))
        .param("quiet_since", unix_ms(now.checked_sub(quiet).unwrap_or(UNIX_EPOCH)))
        .param("limit", MAX_DUE);
    ask(query).await
}

/// Counts what the warehouse holds of a session.
pub(crate) async fn holdings(
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
) -> Result<Holdings, ArchiveError> {
    static SQL: OnceLock<String> = OnceLock::new();
    let query = warehouse
        .query(SQL.get_or_init(holdings_sql))
        .param("tenant", tenant.as_str())
        .param("session", session);
    Ok(ask(query).await?.pop().unwrap_or_default())
}

/// A span or a point that comes late makes its session due as a late event does, so all tables are asked, each with
/// three narrow columns. Log records have a rollup with a row a session and day, which is smaller still.
fn due_sql() -> String {
    let table = |name: &str, arrival: &str, counts: &str| {
        format!(
            "SELECT TenantId, SessionId, max({arrival}) AS Newest, {counts} FROM {name} \
             WHERE SessionId != '' AND {arrival} >= fromUnixTimestamp64Milli({{since:Int64}}) \
             GROUP BY TenantId, SessionId"
        )
    };
    let mut tables = vec![
        table(
            "sessions",
            "LastIngestedAt",
            "sum(Events) AS Logs, toUInt64(0) AS Spans, toUInt64(0) AS Points",
        ),
        table("otel_traces", "IngestedAt", "toUInt64(0) AS Logs, count() AS Spans, toUInt64(0) AS Points"),
    ];
    tables.extend(METRIC_TABLES.map(|name| {
        table(name, "IngestedAt", "toUInt64(0) AS Logs, toUInt64(0) AS Spans, count() AS Points")
    }));
    let tables = tables.join("\nUNION ALL\n");
    format!(
        "SELECT received.TenantId AS tenant, received.SessionId AS session, \
         toUnixTimestamp64Milli(received.newest) AS newest_ingested_at_ms\n\
         FROM (SELECT TenantId, SessionId, max(Newest) AS newest, sum(Logs) AS logs, sum(Spans) AS spans, \
         sum(Points) AS points FROM (\n{tables}\n) GROUP BY TenantId, SessionId \
         HAVING newest < fromUnixTimestamp64Milli({{quiet_since:Int64}})) AS received\n\
         LEFT JOIN (SELECT TenantId, SessionId, argMax((IngestedUpTo, Logs, Spans, MetricPoints), ArchivedAt) AS mark \
         FROM session_archives GROUP BY TenantId, SessionId) AS archived USING (TenantId, SessionId)\n\
         WHERE (newest > archived.mark.1 OR logs > archived.mark.2 OR spans > archived.mark.3 \
         OR points > archived.mark.4) \
         AND (received.TenantId, received.SessionId) NOT IN (SELECT TenantId, SessionId FROM session_erasures)\n\
         ORDER BY newest, tenant, session LIMIT {{limit:UInt64}}"
    )
}

fn holdings_sql() -> String {
    let table = |name: &str, counts: &str| {
        format!(
            "SELECT {counts}, max(IngestedAt) AS Newest FROM {name} \
             WHERE TenantId = {{tenant:String}} AND SessionId = {{session:String}}"
        )
    };
    let mut tables = vec![
        table("otel_logs", "count() AS Logs, toUInt64(0) AS Spans, toUInt64(0) AS Points"),
        table("otel_traces", "toUInt64(0) AS Logs, count() AS Spans, toUInt64(0) AS Points"),
    ];
    tables.extend(
        METRIC_TABLES.map(|name| table(name, "toUInt64(0) AS Logs, toUInt64(0) AS Spans, count() AS Points")),
    );
    format!(
        "SELECT sum(Logs) AS logs, sum(Spans) AS spans, sum(Points) AS points, \
         toUnixTimestamp64Milli(max(Newest)) AS newest_ms FROM (\n{}\n)",
        tables.join("\nUNION ALL\n")
    )
}

pub(crate) fn unix_ms(time: SystemTime) -> i64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}
