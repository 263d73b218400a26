//! How large a session is and when it was, for a small price.
//!
//! Of the events, which are most of a session, a rollup knows; the other tables are asked themselves. The answer says
//! where to look first. It need not be right: a rollup goes on counting rows that have been deleted.

use std::sync::OnceLock;

use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use serde::Deserialize;

use crate::ArchiveError;
use crate::rows::Extent;
use crate::tables::{METRIC_TABLES, ask};

#[derive(Debug, Default, Deserialize)]
struct Row {
    records: u64,
    first: Option<i64>,
    last: Option<i64>,
}

/// Asks about one session.
pub(crate) async fn extent(
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
) -> Result<Extent, ArchiveError> {
    static SQL: OnceLock<String> = OnceLock::new();
    let query =
        warehouse.query(SQL.get_or_init(sql)).param("tenant", tenant.as_str()).param("session", session);
    let Row { records, first, last } = ask::<Row>(query).await?.pop().unwrap_or_default();
    Ok(Extent { records, first: first.unwrap_or_default(), last: last.unwrap_or_default() })
}

fn sql() -> String {
    let of = |table: &str, records: &str, first: &str, last: &str| {
        format!(
            "SELECT {records} AS Records, toUnixTimestamp64Nano(minOrNull({first})) AS First, \
             toUnixTimestamp64Nano(maxOrNull({last})) AS Last FROM {table} \
             WHERE TenantId = {{tenant:String}} AND SessionId = {{session:String}}"
        )
    };
    let mut tables = vec![
        of("sessions", "sum(Events)", "Start", "End"),
        of("otel_traces", "count()", "Timestamp", "Timestamp"),
    ];
    tables.extend(METRIC_TABLES.map(|table| of(table, "count()", "TimeUnix", "TimeUnix")));
    format!(
        "SELECT sum(Records) AS records, min(First) AS first, max(Last) AS last FROM (\n{}\n)",
        tables.join("\nUNION ALL\n")
    )
}
