//! The table `session_archives`: which sessions have an object, and what it holds.

use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use serde::Deserialize;

use crate::format::FORMAT_VERSION;
use crate::select::Holdings;
use crate::tables::{ask, execute};
use crate::{ArchiveError, ArchivedSession, ObjectKey, Trailer};

/// The newest row of a session.
#[derive(Debug, Deserialize)]
struct Row {
    key: String,
    logs: u64,
    spans: u64,
    metric_points: u64,
    first_time: u64,
    last_time: u64,
    ingested_up_to_ms: i64,
    bytes: u64,
    compressed_bytes: u64,
    sha256: String,
}

/// Reads what was marked last of a session.
///
/// # Errors
///
/// The warehouse does not answer, or has a key that is none of ours.
pub(crate) async fn newest(
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
) -> Result<Option<ArchivedSession>, ArchiveError> {
    let query = warehouse
        .query(
            "SELECT Key AS key, Logs AS logs, Spans AS spans, MetricPoints AS metric_points, \
             toUnixTimestamp64Nano(FirstTime) AS first_time, toUnixTimestamp64Nano(LastTime) AS last_time, \
             toUnixTimestamp64Milli(IngestedUpTo) AS ingested_up_to_ms, Bytes AS bytes, \
             CompressedBytes AS compressed_bytes, Sha256 AS sha256 \
             FROM session_archives WHERE TenantId = {tenant:String} AND SessionId = {session:String} \
             ORDER BY ArchivedAt DESC LIMIT 1",
        )
        .param("tenant", tenant.as_str())
        .param("session", session);
    let Some(row) = ask::<Row>(query).await?.pop() else { return Ok(None) };
    let key: ObjectKey =
        row.key.parse().map_err(|error| ArchiveError::Answer { problem: format!("{error}") })?;
    Ok(Some(ArchivedSession {
        tenant: tenant.clone(),
        session: session.to_owned(),
        key,
        contents: Trailer {
            logs: row.logs,
            spans: row.spans,
            metric_points: row.metric_points,
            first_time_unix_nano: row.first_time,
            last_time_unix_nano: row.last_time,
            sha256: row.sha256,
        },
        ingested_up_to_ms: row.ingested_up_to_ms,
        bytes: row.bytes,
        compressed_bytes: row.compressed_bytes,
    }))
}

/// Adds a row. The same row once more changes nothing that anyone reads.
pub(crate) async fn add(warehouse: &Warehouse, archived: &ArchivedSession) -> Result<(), ArchiveError> {
    add_of_format(warehouse, archived, FORMAT_VERSION).await
}

/// Adds a row for an object that may have been written in an earlier format.
pub(crate) async fn add_of_format(
    warehouse: &Warehouse,
    archived: &ArchivedSession,
    format: u32,
) -> Result<(), ArchiveError> {
    let ArchivedSession { tenant, session, key, contents, ingested_up_to_ms, bytes, compressed_bytes } =
        archived;
    let Trailer { logs, spans, metric_points, first_time_unix_nano, last_time_unix_nano, sha256 } = contents;
    let query = warehouse
        .query(
            "INSERT INTO session_archives (TenantId, SessionId, ArchivedAt, Key, FormatVersion, Logs, Spans, \
             MetricPoints, FirstTime, LastTime, IngestedUpTo, Bytes, CompressedBytes, Sha256) \
             SELECT {tenant:String}, {session:String}, now64(3), {key:String}, {format:UInt32}, {logs:UInt64}, \
             {spans:UInt64}, {points:UInt64}, fromUnixTimestamp64Nano({first:Int64}), \
             fromUnixTimestamp64Nano({last:Int64}), fromUnixTimestamp64Milli({ingested:Int64}), {bytes:UInt64}, \
             {compressed:UInt64}, {sha256:String}",
        )
        .param("tenant", tenant.as_str())
        .param("session", session)
        .param("key", key.to_string())
        .param("format", format)
        .param("logs", logs)
        .param("spans", spans)
        .param("points", metric_points)
        .param("first", first_time_unix_nano)
        .param("last", last_time_unix_nano)
        .param("ingested", ingested_up_to_ms)
        .param("bytes", bytes)
        .param("compressed", compressed_bytes)
        .param("sha256", sha256)
        .with_setting("async_insert", "0")
        .with_setting("insert_deduplicate", "0");
    Ok(execute(query).await?)
}

/// What an object holds, to be compared with what the warehouse does.
pub(crate) fn holdings(archived: &ArchivedSession) -> Holdings {
    Holdings {
        logs: archived.contents.logs,
        spans: archived.contents.spans,
        points: archived.contents.metric_points,
        newest_ms: archived.ingested_up_to_ms,
    }
}
