//! The table `session_archives`: which sessions have an object, and what it holds.

use std::collections::HashMap;
use std::time::SystemTime;

use granary_clickhouse::{Query, Warehouse};
use granary_model::TenantId;
use serde::Deserialize;

use crate::expire::Rule;
use crate::format::FORMAT_VERSION;
use crate::names::{self, IN_SESSIONS, SessionName};
use crate::select::{Holdings, unix_ms};
use crate::tables::{ask, write};
use crate::{ArchiveError, ArchivedSession, ObjectKey, Trailer};

/// The newest row of a session.
#[derive(Debug, Deserialize)]
struct Row {
    tenant: TenantId,
    session: String,
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

impl Row {
    fn read(self) -> Result<ArchivedSession, ArchiveError> {
        let key: ObjectKey =
            self.key.parse().map_err(|error| ArchiveError::Answer { problem: format!("{error}") })?;
        Ok(ArchivedSession {
            tenant: self.tenant,
            session: self.session,
            key,
            contents: Trailer {
                logs: self.logs,
                spans: self.spans,
                metric_points: self.metric_points,
                first_time_unix_nano: self.first_time,
                last_time_unix_nano: self.last_time,
                sha256: self.sha256,
            },
            ingested_up_to_ms: self.ingested_up_to_ms,
            bytes: self.bytes,
            compressed_bytes: self.compressed_bytes,
        })
    }
}

/// The columns of [`Row`].
const COLUMNS: &str = "TenantId AS tenant, SessionId AS session, Key AS key, Logs AS logs, Spans AS spans, \
     MetricPoints AS metric_points, toUnixTimestamp64Nano(FirstTime) AS first_time, \
     toUnixTimestamp64Nano(LastTime) AS last_time, toUnixTimestamp64Milli(IngestedUpTo) AS ingested_up_to_ms, \
     Bytes AS bytes, CompressedBytes AS compressed_bytes, Sha256 AS sha256";

/// Reads what was marked last of a session. An object that has expired counts as none.
///
/// # Errors
///
/// The warehouse does not answer, or has a key that is none of ours.
pub(crate) async fn newest(
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
) -> Result<Option<ArchivedSession>, ArchiveError> {
    let name = SessionName::new(tenant, session);
    Ok(newest_of(warehouse, std::slice::from_ref(&name)).await?.remove(&name))
}

/// Reads what was marked last of each session; those without an object are left out.
pub(crate) async fn newest_of(
    warehouse: &Warehouse,
    sessions: &[SessionName],
) -> Result<HashMap<SessionName, ArchivedSession>, ArchiveError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM session_archives WHERE {IN_SESSIONS} \
         ORDER BY ArchivedAt DESC LIMIT 1 BY TenantId, SessionId) WHERE {IS_THERE}"
    );
    let named = |archived: ArchivedSession| {
        (SessionName { tenant: archived.tenant.clone(), session: archived.session.clone() }, archived)
    };
    let marked = read(warehouse.as_written(names::bind(warehouse.query(&sql), sessions))).await?;
    Ok(marked.into_iter().map(named).collect())
}

/// Sessions of a page.
const PAGE: usize = 10_000;

/// A page of what is marked, in the order of the keys' bytes, after the given key. An empty page is the end.
pub(crate) async fn page(warehouse: &Warehouse, after: &str) -> Result<Vec<ArchivedSession>, ArchiveError> {
    let query = warehouse.query(&rows(warehouse, "Key > {after:String} ORDER BY Key LIMIT {limit:UInt64}"));
    read(query.param("after", after).param("limit", PAGE)).await
}

/// What is marked under a key.
pub(crate) async fn by_key(
    warehouse: &Warehouse,
    key: &str,
) -> Result<Option<ArchivedSession>, ArchiveError> {
    let query = warehouse.query(&rows(warehouse, "Key = {key:String} LIMIT 1"));
    Ok(read(query.param("key", key)).await?.pop())
}

/// What was marked last, the latest first.
pub(crate) async fn latest(
    warehouse: &Warehouse,
    limit: usize,
) -> Result<Vec<ArchivedSession>, ArchiveError> {
    let query = warehouse.query(&rows(warehouse, "1 ORDER BY ArchivedAt DESC, Key LIMIT {limit:UInt64}"));
    read(query.param("limit", limit)).await
}

/// Sessions of a rule whose newest record was received before the given time, the oldest first.
pub(crate) async fn received_before(
    warehouse: &Warehouse,
    rule: &Rule,
    before: SystemTime,
    limit: usize,
) -> Result<Vec<ArchivedSession>, ArchiveError> {
    let condition = "has({tenants:Array(String)}, TenantId) != {others:Bool} \
         AND IngestedUpTo < fromUnixTimestamp64Milli({before:Int64}) ORDER BY IngestedUpTo, Key LIMIT {limit:UInt64}";
    let tenants: Vec<_> = rule.tenants.iter().map(TenantId::as_str).collect();
    let query = warehouse
        .query(&rows(warehouse, condition))
        .param("tenants", tenants)
        .param("others", rule.others)
        .param("before", unix_ms(before))
        .param("limit", limit);
    read(query).await
}

/// Records that the objects of sessions were deleted. What was marked of them stays in the row.
pub(crate) async fn expire(warehouse: &Warehouse, sessions: &[SessionName]) -> Result<(), ArchiveError> {
    if sessions.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO session_archives SELECT * REPLACE (now64(3) AS ArchivedAt, now64(3) AS ExpiredAt) \
         FROM (SELECT * FROM ({}) WHERE {IS_THERE})",
        newest_rows(warehouse, IN_SESSIONS)
    );
    // A mark that is not the newest any more would come back as the newest.
    let query = warehouse.as_written(names::bind(warehouse.query(&sql), sessions));
    Ok(write(warehouse, query).await?)
}

/// A row's object was not deleted.
const IS_THERE: &str = "toUnixTimestamp64Milli(ExpiredAt) = 0";

/// The newest rows of sessions whose object is there.
fn rows(warehouse: &Warehouse, condition: &str) -> String {
    // What a filter lets through must be the newest row, so it comes after `FINAL` has chosen.
    let newest = newest_rows(warehouse, "true");
    format!("SELECT {COLUMNS} FROM ({newest}) WHERE {IS_THERE} AND {condition}")
}

/// The newest row of each session. `FINAL` chooses on each shard; where shards have been added, an older row may be on another.
fn newest_rows(warehouse: &Warehouse, condition: &str) -> String {
    let across_shards = match warehouse.cluster() {
        Some(_) => " ORDER BY ArchivedAt DESC LIMIT 1 BY TenantId, SessionId",
        None => "",
    };
    format!("SELECT * FROM session_archives FINAL WHERE {condition}{across_shards}")
}

async fn read(query: Query) -> Result<Vec<ArchivedSession>, ArchiveError> {
    ask::<Row>(query).await?.into_iter().map(Row::read).collect()
}

/// Adds rows, in one insert. The same rows once more change nothing that anyone reads.
pub(crate) async fn add(warehouse: &Warehouse, archived: &[&ArchivedSession]) -> Result<(), ArchiveError> {
    add_of_format(warehouse, archived, FORMAT_VERSION).await
}

/// Adds rows for objects that may have been written in an earlier format.
pub(crate) async fn add_of_format(
    warehouse: &Warehouse,
    archived: &[&ArchivedSession],
    format: u32,
) -> Result<(), ArchiveError> {
    if archived.is_empty() {
        return Ok(());
    }
    let query = warehouse
        .query(
            "INSERT INTO session_archives (TenantId, SessionId, ArchivedAt, Key, FormatVersion, Logs, Spans, \
             MetricPoints, FirstTime, LastTime, IngestedUpTo, Bytes, CompressedBytes, Sha256) \
             SELECT tenant, session, now64(3), key, {format:UInt32}, logs, spans, points, \
             fromUnixTimestamp64Nano(first), fromUnixTimestamp64Nano(last), fromUnixTimestamp64Milli(ingested), \
             bytes, compressed, sha256 FROM (SELECT 1) ARRAY JOIN {tenants:Array(String)} AS tenant, \
             {sessions:Array(String)} AS session, {keys:Array(String)} AS key, {logs:Array(UInt64)} AS logs, \
             {spans:Array(UInt64)} AS spans, {points:Array(UInt64)} AS points, {first:Array(Int64)} AS first, \
             {last:Array(Int64)} AS last, {ingested:Array(Int64)} AS ingested, {bytes:Array(UInt64)} AS bytes, \
             {compressed:Array(UInt64)} AS compressed, {sha256:Array(String)} AS sha256",
        )
        .param("format", format)
        .param("tenants", all(archived, |one| one.tenant.as_str()))
        .param("sessions", all(archived, |one| one.session.as_str()))
        .param("keys", all(archived, |one| one.key.to_string()))
        .param("logs", all(archived, |one| one.contents.logs))
        .param("spans", all(archived, |one| one.contents.spans))
        .param("points", all(archived, |one| one.contents.metric_points))
        .param("first", all(archived, |one| one.contents.first_time_unix_nano))
        .param("last", all(archived, |one| one.contents.last_time_unix_nano))
        .param("ingested", all(archived, |one| one.ingested_up_to_ms))
        .param("bytes", all(archived, |one| one.bytes))
        .param("compressed", all(archived, |one| one.compressed_bytes))
        .param("sha256", all(archived, |one| one.contents.sha256.as_str()));
    Ok(write(warehouse, query).await?)
}

/// One column of several rows.
fn all<'a, T>(of: &[&'a ArchivedSession], value: impl Fn(&'a ArchivedSession) -> T) -> Vec<T> {
    of.iter().map(|archived| value(archived)).collect()
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
