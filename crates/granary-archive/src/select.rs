//! Which sessions are due, and what the warehouse holds of one.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use serde::Deserialize;

use crate::lease::{ANY, in_force};
use crate::names::{self, IN_SESSIONS, SessionName};
use crate::tables::{METRIC_TABLES, ask};
use crate::{ArchiveConfig, ArchiveError};

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

/// Finds sessions that nobody is archiving and that are not archived, or have records that their object has not, once
/// nothing of them arrived for `config.quiet`; or for `config.settle`, where the last that arrived said that
/// the session had ended.
///
/// Only sessions of which something arrived at `since` or later are looked at. With the beginning of time that is
/// every session, and only then a record is found that was stored late under an early time of arrival, as
/// happens after ClickHouse was away.
///
/// A session whose object has expired is due again only once something of it arrives that is newer than that.
pub(crate) async fn due(
    warehouse: &Warehouse,
    now: SystemTime,
    config: &ArchiveConfig,
    since: SystemTime,
) -> Result<Vec<DueSession>, ArchiveError> {
    static SQL: OnceLock<String> = OnceLock::new();
    let before = |time: Duration| unix_ms(now.checked_sub(time).unwrap_or(UNIX_EPOCH));
    let query = warehouse
        .query(SQL.get_or_init(due_sql))
        .param("since", unix_ms(since))
        .param("quiet_since", before(config.quiet))
        .param("settled_since", before(config.settle))
        .param("settle", u64::try_from(config.settle.as_millis()).unwrap_or(u64::MAX))
        .param("limit", MAX_DUE);
    ask(query).await
}

/// Counts what the warehouse holds of a session.
pub(crate) async fn holdings(
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
) -> Result<Holdings, ArchiveError> {
    let name = SessionName::new(tenant, session);
    Ok(holdings_of(warehouse, std::slice::from_ref(&name)).await?.remove(&name).unwrap_or_default())
}

/// Counts what the warehouse holds of each session; those of which it has nothing are left out.
pub(crate) async fn holdings_of(
    warehouse: &Warehouse,
    sessions: &[SessionName],
) -> Result<HashMap<SessionName, Holdings>, ArchiveError> {
    #[derive(Deserialize)]
    struct Row {
        tenant: TenantId,
        session: String,
        #[serde(flatten)]
        holdings: Holdings,
    }
    static SQL: OnceLock<String> = OnceLock::new();
    let query = names::bind(warehouse.query(SQL.get_or_init(holdings_sql)), sessions);
    let rows: Vec<Row> = ask(query).await?;
    let named = |Row { tenant, session, holdings }| (SessionName { tenant, session }, holdings);
    Ok(rows.into_iter().map(named).collect())
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
    let claimed = in_force(ANY);
    format!(
        "SELECT received.TenantId AS tenant, received.SessionId AS session, \
         toUnixTimestamp64Milli(received.newest) AS newest_ingested_at_ms\n\
         FROM (SELECT TenantId, SessionId, max(Newest) AS newest, sum(Logs) AS logs, sum(Spans) AS spans, \
         sum(Points) AS points FROM (\n{tables}\n) GROUP BY TenantId, SessionId \
         HAVING newest < fromUnixTimestamp64Milli(greatest({{quiet_since:Int64}}, {{settled_since:Int64}}))) AS received\n\
         LEFT JOIN (SELECT TenantId, SessionId, \
         argMax((IngestedUpTo, Logs, Spans, MetricPoints, ExpiredAt), ArchivedAt) AS mark \
         FROM session_archives GROUP BY TenantId, SessionId) AS archived USING (TenantId, SessionId)\n\
         LEFT JOIN (SELECT TenantId, SessionId, max(EndedAt) AS ended FROM session_ends \
         GROUP BY TenantId, SessionId) AS closed USING (TenantId, SessionId)\n\
         WHERE (newest < fromUnixTimestamp64Milli({{quiet_since:Int64}}) \
         OR (newest < fromUnixTimestamp64Milli({{settled_since:Int64}}) \
         AND newest <= ended + toIntervalMillisecond({{settle:UInt64}})))\n\
         AND if(toUnixTimestamp64Milli(archived.mark.5) > 0, newest > archived.mark.5, \
         newest > archived.mark.1 OR logs > archived.mark.2 OR spans > archived.mark.3 \
         OR points > archived.mark.4)\n\
         AND (TenantId, SessionId) NOT IN (SELECT TenantId, SessionId FROM ({claimed}))\n\
         AND (TenantId, SessionId) NOT IN (SELECT TenantId, SessionId FROM session_erasures)\n\
         ORDER BY newest, tenant, session LIMIT {{limit:UInt64}}"
    )
}

fn holdings_sql() -> String {
    let table = |name: &str, counts: &str| {
        format!(
            "SELECT TenantId, SessionId, {counts}, max(IngestedAt) AS Newest FROM {name} \
             WHERE {IN_SESSIONS} GROUP BY TenantId, SessionId"
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
        "SELECT TenantId AS tenant, SessionId AS session, sum(Logs) AS logs, sum(Spans) AS spans, \
         sum(Points) AS points, toUnixTimestamp64Milli(max(Newest)) AS newest_ms FROM (\n{}\n) \
         GROUP BY TenantId, SessionId",
        tables.join("\nUNION ALL\n")
    )
}

/// A time as ClickHouse's `fromUnixTimestamp64Milli` takes it.
pub(crate) fn unix_ms(time: SystemTime) -> i64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}
