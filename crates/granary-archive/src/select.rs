//! Which sessions are due, and what the warehouse holds of one.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use serde::Deserialize;

use crate::hours::{self, Hours};
use crate::lease::{ANY, in_force};
use crate::names::{self, IN_SESSIONS, SessionName};
use crate::tables::{METRIC_TABLES, ask, time_of};
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
    /// The time of the first of those of its records that were looked at, in nanoseconds since 1970.
    pub first_time_unix_nano: i64,
    /// And of the last.
    pub last_time_unix_nano: i64,
}

/// One pass takes no more sessions; what is left is due at the next.
pub(crate) const MAX_DUE: usize = 10_000;

/// What the server keeps in memory of sessions that it goes through; the rest waits on its disk.
const MAX_GROUPS_BYTES: &str = "1073741824";

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
        .param("limit", MAX_DUE)
        // Of all sessions of some years there are more than should be in memory.
        .with_setting("max_bytes_before_external_group_by", MAX_GROUPS_BYTES);
    ask(query).await
}

/// Counts what the warehouse holds of a session, within hours where they are known.
pub(crate) async fn holdings(
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
    hours: Option<Hours>,
) -> Result<Holdings, ArchiveError> {
    let name = SessionName::new(tenant, session);
    Ok(holdings_of(warehouse, std::slice::from_ref(&name), hours).await?.remove(&name).unwrap_or_default())
}

/// Counts what the warehouse holds of each session; those of which it has nothing are left out.
pub(crate) async fn holdings_of(
    warehouse: &Warehouse,
    sessions: &[SessionName],
    hours: Option<Hours>,
) -> Result<HashMap<SessionName, Holdings>, ArchiveError> {
    #[derive(Deserialize)]
    struct Row {
        tenant: TenantId,
        session: String,
        #[serde(flatten)]
        holdings: Holdings,
    }
    let query = names::bind(warehouse.query(&holdings_sql(hours)), sessions);
    let query = hours::bind(query, hours);
    let rows: Vec<Row> = ask(warehouse.as_written(query)).await?;
    let named = |Row { tenant, session, holdings }| (SessionName { tenant, session }, holdings);
    Ok(rows.into_iter().map(named).collect())
}

/// Between which times the log records of sessions are, as their rollup knows it: on the days between the given times, and as many
/// around them as sessions are left alone for and taken up again.
pub(crate) async fn known_times_of(
    warehouse: &Warehouse,
    sessions: &[SessionName],
    hours: Hours,
) -> Result<Option<(i64, i64)>, ArchiveError> {
    const DAYS_AROUND: i64 = 62;
    #[derive(Deserialize)]
    struct Row {
        first: Option<i64>,
        last: Option<i64>,
    }
    let sql = format!(
        "SELECT toUnixTimestamp64Nano(minOrNull(Start)) AS first, toUnixTimestamp64Nano(maxOrNull(End)) AS last \
         FROM sessions WHERE {IN_SESSIONS} \
         AND Day >= toDate(fromUnixTimestamp64Nano({{first:Int64}}, 'UTC')) - {DAYS_AROUND} \
         AND Day <= toDate(fromUnixTimestamp64Nano({{last:Int64}}, 'UTC')) + {DAYS_AROUND}"
    );
    let query = names::bind(warehouse.query(&sql), sessions);
    let query = query.param("first", hours.first).param("last", hours.last);
    let row = ask::<Row>(query).await?.pop();
    Ok(row.and_then(|row| row.first.zip(row.last)))
}

/// A span or a point that comes late makes its session due as a late event does, so all tables are asked, each with
/// three narrow columns. Log records have a rollup with a row a session and day, which is smaller still.
fn due_sql() -> String {
    let table = |name: &str, arrival: &str, (first, last): (&str, &str), counts: &str| {
        format!(
            "SELECT TenantId, SessionId, max({arrival}) AS Newest, min({first}) AS First, max({last}) AS Last, {counts} FROM {name} \
             WHERE SessionId != '' AND {arrival} >= fromUnixTimestamp64Milli({{since:Int64}}) \
             GROUP BY TenantId, SessionId"
        )
    };
    let mut tables = vec![
        table(
            "sessions",
            "LastIngestedAt",
            ("Start", "End"),
            "sum(Events) AS Logs, toUInt64(0) AS Spans, toUInt64(0) AS Points",
        ),
        table(
            "otel_traces",
            "IngestedAt",
            ("Timestamp", "Timestamp"),
            "toUInt64(0) AS Logs, count() AS Spans, toUInt64(0) AS Points",
        ),
    ];
    tables.extend(METRIC_TABLES.map(|name| {
        let counts = "toUInt64(0) AS Logs, toUInt64(0) AS Spans, count() AS Points";
        table(name, "IngestedAt", ("TimeUnix", "TimeUnix"), counts)
    }));
    let tables = tables.join("\nUNION ALL\n");
    let claimed = in_force(ANY);
    format!(
        "SELECT received.TenantId AS tenant, received.SessionId AS session, \
         toUnixTimestamp64Milli(received.newest) AS newest_ingested_at_ms, \
         toUnixTimestamp64Nano(received.first) AS first_time_unix_nano, \
         toUnixTimestamp64Nano(received.last) AS last_time_unix_nano\n\
         FROM (SELECT TenantId, SessionId, max(Newest) AS newest, min(First) AS first, max(Last) AS last, sum(Logs) AS logs, sum(Spans) AS spans, \
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

fn holdings_sql(hours: Option<Hours>) -> String {
    let table = |name: &str, counts: &str| {
        format!(
            "SELECT TenantId, SessionId, {counts}, max(IngestedAt) AS Newest FROM {name} \
             WHERE {IN_SESSIONS}{} GROUP BY TenantId, SessionId",
            hours::within(hours, time_of(name))
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
