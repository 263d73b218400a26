//! Archiving one session: upload, verify, mark.

use std::collections::HashMap;

use async_compression::tokio::write::GzipEncoder;
use futures::StreamExt as _;
use futures::stream;
use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use tokio::io::AsyncWriteExt as _;

use crate::hours::Hours;
use crate::lease::Lease;
use crate::names::SessionName;
use crate::object::ObjectLines;
use crate::replay::extent;
use crate::rows::{Extent, FEW_ROWS, SessionRows};
use crate::select::Holdings;
use crate::session_lines::SessionLines;
use crate::store::Over;
use crate::{ArchiveError, ArchiveLine, ObjectKey, Store, StoreError, Trailer, Upload, mark, select};

/// A session whose object is there and was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedSession {
    /// Whose it is.
    pub tenant: TenantId,
    /// The session.
    pub session: String,
    /// Its object.
    pub key: ObjectKey,
    /// What the object holds.
    pub contents: Trailer,
    /// When the newest of the records was received, in milliseconds since 1970.
    pub ingested_up_to_ms: i64,
    /// The object's size before compression.
    pub bytes: u64,
    /// The object's size.
    pub compressed_bytes: u64,
}

/// A session whose object was written, and not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an object that is not verified and marked is written again"]
pub struct Uploaded {
    written: ArchivedSession,
    /// Where an older version is, if that is another object: a late event can change a session's first day.
    older: Option<ObjectKey>,
}

/// A session whose object was read back and is what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an object that is not marked is written again"]
pub struct Verified(Uploaded);

/// A session that is to be archived, and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) name: SessionName,
    /// What was marked last.
    pub(crate) before: Option<ArchivedSession>,
    /// What the warehouse has.
    pub(crate) stored: Holdings,
    /// Between which hours that is.
    pub(crate) hours: Option<Hours>,
}

impl Task {
    /// Whether what is stored is archived.
    pub(crate) fn is_done(&self) -> bool {
        self.before.as_ref().map(mark::holdings).is_some_and(|archived| {
            self.stored.newest_ms <= archived.newest_ms && !archived.lacks(&self.stored)
        })
    }
}

/// Looks up what is known of sessions, with three statements for all of them.
///
/// `arrived` is between which times what makes them due is. The sessions are then looked for between these, the times of what was
/// archived before, and those that the rollup knows. What lies elsewhere, as a lone span of months ago might, is found when all
/// sessions are looked at: there is more of the session than was archived then, and its time is among those of what arrived.
pub(crate) async fn tasks(
    warehouse: &Warehouse,
    sessions: &[SessionName],
    arrived: Option<(i64, i64)>,
) -> Result<Vec<Task>, ArchiveError> {
    let arrived = arrived.and_then(|(first, last)| Hours::between(first, last));
    let known = async {
        match arrived {
            Some(arrived) => select::known_times_of(warehouse, sessions, arrived).await,
            None => Ok(None),
        }
    };
    let (mut before, known): (HashMap<_, _>, _) =
        tokio::try_join!(mark::newest_of(warehouse, sessions), known)?;
    let hours = arrived.and_then(|arrived| {
        let archived = before.values().map(|before| before.contents.times());
        let times = archived.chain(known).chain([(arrived.first, arrived.last)]);
        let (first, last) = times.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
        Hours::around(first, last)
    });
    let mut stored = select::holdings_of(warehouse, sessions, hours).await?;
    let task = |name: &SessionName| Task {
        name: name.clone(),
        before: before.remove(name),
        stored: stored.remove(name).unwrap_or_default(),
        hours,
    };
    Ok(sessions.iter().map(task).collect())
}

/// Compressed bytes that are handed to the store at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// How often a session is written anew because somebody else wrote its object meanwhile.
const ATTEMPTS: usize = 3;

/// Writes the object of a session, from lines that were read already or else from the warehouse.
///
/// Which version of the object is there is looked at before the rows are read, and only that one is replaced. So of two
/// archivers that write at the same time the later one finds another version, and begins again with the rows
/// that are there then: an object is never replaced by one of older rows.
pub(crate) async fn upload(
    store: &Store,
    warehouse: &Warehouse,
    task: &Task,
    lines: Option<Vec<ArchiveLine>>,
    lease: Option<&Lease>,
) -> Result<Uploaded, ArchiveError> {
    let Task { name: SessionName { tenant, session }, before, stored, hours } = task;
    let before_key = before.as_ref().map(|before| &before.key);
    let mut seen = match before_key {
        Some(key) => Some((key.clone(), store.version(key).await?)),
        None => None,
    };
    let mut lines = lines;
    for _ in 0..ATTEMPTS {
        let rows = match lines.take() {
            // A version that was looked at only now may be newer than these rows.
            Some(lines) if seen.is_none() => stream::iter(lines.into_iter().map(Ok)).boxed(),
            _ => {
                let records = stored.records();
                let known = match hours {
                    Some(Hours { first, last }) => Extent { records, first: *first, last: *last },
                    None if records < FEW_ROWS => Extent { records, ..Extent::default() },
                    None => extent(warehouse, tenant, session).await?,
                };
                SessionRows::new(warehouse, tenant, session).stream(known, hours.is_some())
            }
        };
        let mut lines = SessionLines::begin(rows, tenant, session).await?;
        let key = ObjectKey::new(tenant, session, lines.first_time_unix_nano());
        let over = match &seen {
            Some((of, version)) if *of == key => Over::from(version.clone()),
            _ => Over::Nothing,
        };
        let mut upload = store.create(&key, over).await?;
        let written = match write(&mut lines, &mut upload).await {
            Ok(compressed_bytes) => ArchivedSession {
                tenant: tenant.clone(),
                session: session.clone(),
                key: key.clone(),
                contents: lines.tally().trailer(),
                ingested_up_to_ms: lines.tally().ingested_up_to_ms(),
                bytes: lines.tally().bytes(),
                compressed_bytes,
            },
            Err(error) => return Err(given_up(upload, error).await),
        };
        let allowed = before
            .as_ref()
            .map_or(Ok(()), |before| refuse_to_shrink(&mark::holdings(before), &written))
            .and_then(|()| lease.map_or(Ok(()), |lease| lease.check(session)));
        if let Err(error) = allowed {
            return Err(given_up(upload, error).await);
        }
        match upload.finish().await {
            Ok(()) => {}
            // The same was written: by another, or by this request, whose answer was lost.
            Err(StoreError::Replaced { .. }) if verify(store, &written).await.is_ok() => {}
            Err(StoreError::Replaced { .. }) => {
                seen = Some((key.clone(), store.version(&key).await?));
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        let older = before_key.filter(|older| **older != key).cloned();
        return Ok(Uploaded { written, older });
    }
    let key = seen.map(|(key, _)| key.to_string()).unwrap_or_default();
    Err(StoreError::Replaced { key }.into())
}

async fn given_up(upload: Upload, because: ArchiveError) -> ArchiveError {
    upload.abort().await;
    because
}

/// Sends all lines, compressed. Returns how many bytes that were.
async fn write(lines: &mut SessionLines, upload: &mut Upload) -> Result<u64, ArchiveError> {
    let mut encoder = GzipEncoder::new(Vec::with_capacity(2 * CHUNK_BYTES));
    let mut compressed_bytes = 0;
    while let Some(mut line) = lines.next().await? {
        line.json.push('\n');
        encoder.write_all(line.json.as_bytes()).await.map_err(|error| in_memory(&error))?;
        if encoder.get_ref().len() >= CHUNK_BYTES {
            compressed_bytes += encoder.get_ref().len() as u64;
            upload.write(encoder.get_ref()).await?;
            encoder.get_mut().clear();
        }
    }
    encoder.shutdown().await.map_err(|error| in_memory(&error))?;
    let rest = encoder.into_inner();
    upload.write(&rest).await?;
    Ok(compressed_bytes + rest.len() as u64)
}

/// Compressing into memory does not fail; were it to, it would be as a row that cannot be written.
fn in_memory(error: &std::io::Error) -> ArchiveError {
    ArchiveError::Answer { problem: format!("a line cannot be compressed: {error}") }
}

fn refuse_to_shrink(archived: &Holdings, written: &ArchivedSession) -> Result<(), ArchiveError> {
    let in_warehouse = mark::holdings(written);
    if in_warehouse.lacks(archived) {
        return Err(ArchiveError::Shrunk {
            session: written.session.clone(),
            in_warehouse: in_warehouse.to_string(),
            archived: archived.to_string(),
        });
    }
    Ok(())
}

/// Reads an object to its end and compares it with what is expected to be there.
pub(crate) async fn verify(store: &Store, expected: &ArchivedSession) -> Result<(), ArchiveError> {
    let ArchivedSession { tenant, session, key, contents, ingested_up_to_ms: _, bytes, compressed_bytes } =
        expected;
    let corrupt = |problem: &str| ArchiveError::corrupt(key, problem);
    let missing = || ArchiveError::Missing { key: key.to_string() };
    let reader = store.read(key).await?.ok_or_else(missing)?;
    if reader.size_bytes() != *compressed_bytes {
        return Err(corrupt(&format!(
            "it has {} bytes, and {compressed_bytes} were written",
            reader.size_bytes()
        )));
    }
    let mut lines = ObjectLines::new(reader, key.clone(), tenant.clone(), session.clone());
    while lines.next().await?.is_some() {}
    if lines.tally().trailer() != *contents || lines.tally().bytes() != *bytes {
        return Err(corrupt("it is sound, and not what was written"));
    }
    Ok(())
}

/// Verifies what was uploaded.
pub(crate) async fn verify_upload(store: &Store, uploaded: Uploaded) -> Result<Verified, ArchiveError> {
    verify(store, &uploaded.written).await?;
    Ok(Verified(uploaded))
}

/// Records verified objects, in one insert.
///
/// Older objects at other places go first: were it the other way round, a crash in between would leave them
/// forever. Until the mark is there, readers take the session from the warehouse.
pub(crate) async fn mark(
    store: &Store,
    warehouse: &Warehouse,
    verified: Vec<Verified>,
) -> Result<Vec<ArchivedSession>, ArchiveError> {
    let mut archived = Vec::with_capacity(verified.len());
    for Verified(Uploaded { written, older }) in verified {
        if let Some(older) = older {
            store.delete(&older).await?;
        }
        archived.push(written);
    }
    mark::add(warehouse, &archived.iter().collect::<Vec<_>>()).await?;
    Ok(archived)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_done_once_its_mark_has_everything_that_is_stored_and_nothing_newer_came() {
        let stored = Holdings { logs: 3, spans: 2, points: 1, newest_ms: 1_000 };
        let key = ObjectKey::new(&TenantId::default(), "s", 0);
        let task = |change: fn(&mut ArchivedSession)| {
            let mut before = ArchivedSession {
                tenant: TenantId::default(),
                session: "s".to_owned(),
                key: key.clone(),
                contents: Trailer {
                    logs: 3,
                    spans: 2,
                    metric_points: 1,
                    first_time_unix_nano: 1,
                    last_time_unix_nano: 2,
                    sha256: String::new(),
                },
                ingested_up_to_ms: 1_000,
                bytes: 1,
                compressed_bytes: 1,
            };
            change(&mut before);
            let name = SessionName::new(&TenantId::default(), "s");
            Task { name, before: Some(before), stored, hours: None }
        };
        assert!(task(|_| {}).is_done());
        assert!(task(|before| before.contents.spans = 9).is_done(), "rows may have been deleted since");
        assert!(!task(|before| before.ingested_up_to_ms = 999).is_done());
        assert!(!task(|before| before.contents.logs = 2).is_done());
        assert!(!task(|before| before.contents.metric_points = 0).is_done());
        assert!(!Task { before: None, ..task(|_| {}) }.is_done());
    }
}
