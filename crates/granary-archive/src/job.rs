//! Archiving one session: upload, verify, mark.

use async_compression::tokio::write::GzipEncoder;
use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use tokio::io::AsyncWriteExt as _;

use crate::object::ObjectLines;
use crate::rows::SessionRows;
use crate::select::Holdings;
use crate::session_lines::SessionLines;
use crate::{ArchiveError, ObjectKey, Store, Trailer, Upload, mark, select};

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

/// Compressed bytes that are handed to the store at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Writes the object of a session.
pub(crate) async fn upload(
    store: &Store,
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
) -> Result<Uploaded, ArchiveError> {
    let (before, stored) = tokio::try_join!(
        mark::newest(warehouse, tenant, session),
        select::holdings(warehouse, tenant, session)
    )?;
    let rows = SessionRows::new(warehouse, tenant, session).stream(stored.records());
    let mut lines = SessionLines::begin(rows, tenant, session).await?;
    let key = ObjectKey::new(tenant, session, lines.first_time_unix_nano());
    let mut upload = store.create(&key).await?;
    let written = write(&mut lines, &mut upload).await.and_then(|compressed_bytes| {
        let written = ArchivedSession {
            tenant: tenant.clone(),
            session: session.to_owned(),
            key: key.clone(),
            contents: lines.tally().trailer(),
            ingested_up_to_ms: lines.tally().ingested_up_to_ms(),
            bytes: lines.tally().bytes(),
            compressed_bytes,
        };
        match &before {
            Some(before) => refuse_to_shrink(&mark::holdings(before), &written).map(|()| written),
            None => Ok(written),
        }
    });
    match written {
        Ok(written) => {
            upload.finish().await?;
            let older = before.map(|before| before.key).filter(|older| *older != key);
            Ok(Uploaded { written, older })
        }
        Err(error) => {
            upload.abort().await;
            Err(error)
        }
    }
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
    let reader = store.read(key).await?.ok_or_else(|| corrupt("it is not there"))?;
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

/// Records a verified object.
///
/// An older object at another place goes first: were it the other way round, a crash in between would leave it
/// forever. Until the mark is there, readers take the session from the warehouse.
pub(crate) async fn mark(
    store: &Store,
    warehouse: &Warehouse,
    Verified(Uploaded { written, older }): Verified,
) -> Result<ArchivedSession, ArchiveError> {
    if let Some(older) = older {
        store.delete(&older).await?;
    }
    mark::add(warehouse, &written).await?;
    Ok(written)
}
