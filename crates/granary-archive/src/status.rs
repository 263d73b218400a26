//! How much is archived, and what is still to be.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::lease::{ANY, in_force};
use crate::tables::ask;
use crate::{Archive, ArchiveError};

/// Figures of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveStatus {
    /// Sessions with an object.
    pub sessions: u64,
    /// Records in these objects.
    pub records: u64,
    /// The objects' size before compression.
    pub bytes: u64,
    /// The objects' size.
    pub compressed_bytes: u64,
    /// Sessions whose object was deleted because its time was over.
    pub expired: u64,
    /// Sessions that archivers work on.
    pub leased: u64,
    /// Sessions that are due and nobody works on; 10,000 are as many or more.
    pub due: u64,
    /// When the one of them of which nothing has come for longest got its newest record, in milliseconds since 1970.
    pub due_since_ms: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
struct Row {
    sessions: u64,
    records: u64,
    bytes: u64,
    compressed_bytes: u64,
    expired: u64,
    leased: u64,
}

impl Archive {
    /// Counts what the table says; the store is not asked.
    pub async fn status(&self) -> Result<ArchiveStatus, ArchiveError> {
        let there = "toUnixTimestamp64Milli(ExpiredAt) = 0";
        let claimed = in_force(ANY);
        let sql = format!(
            "SELECT countIf({there}) AS sessions, sumIf(Logs + Spans + MetricPoints, {there}) AS records, \
             sumIf(Bytes, {there}) AS bytes, sumIf(CompressedBytes, {there}) AS compressed_bytes, \
             countIf(NOT {there}) AS expired, (SELECT uniqExact(TenantId, SessionId) FROM ({claimed})) AS leased FROM session_archives FINAL"
        );
        let (mut rows, due) =
            tokio::try_join!(ask::<Row>(self.warehouse().query(&sql)), self.due(SystemTime::now()))?;
        let Row { sessions, records, bytes, compressed_bytes, expired, leased } =
            rows.pop().unwrap_or_default();
        Ok(ArchiveStatus {
            sessions,
            records,
            bytes,
            compressed_bytes,
            expired,
            leased,
            due: due.len() as u64,
            due_since_ms: due.first().map(|due| due.newest_ingested_at_ms),
        })
    }
}
