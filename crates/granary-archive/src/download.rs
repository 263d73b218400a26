//! A session's object as it lies in the store, in whole or in part.

use std::ops::Range;

use bytes::Bytes;
use granary_clickhouse::Warehouse;
use granary_model::TenantId;

use crate::{ArchiveError, ArchivedSession, ObjectReader, Store, StoreError, mark};

/// An object that is there and is the one that was recorded.
#[derive(Debug)]
pub struct ArchivedObject {
    archived: ArchivedSession,
    reader: ObjectReader,
}

/// Opens the object that was recorded last of a session; `None` where none was.
pub(crate) async fn open(
    store: &Store,
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
) -> Result<Option<ArchivedObject>, ArchiveError> {
    let Some(archived) = mark::newest(warehouse, tenant, session).await? else { return Ok(None) };
    let reader = store.read(&archived.key).await?;
    let reader = reader.ok_or_else(|| ArchiveError::Missing { key: archived.key.to_string() })?;
    // Between the moment that a newer object is there and the moment that it is recorded, the two do not fit.
    if reader.size_bytes() != archived.compressed_bytes {
        return Err(StoreError::Changed { key: archived.key.to_string() }.into());
    }
    Ok(Some(ArchivedObject { archived, reader }))
}

impl ArchivedObject {
    /// The SHA-256, in hex, of the lines that it holds.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.archived.contents.sha256
    }

    /// Its size, compressed.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.reader.size_bytes()
    }

    /// The last part of its key: `<session>.jsonl.gz`, of letters, digits and `._-%~` whatever the session is called.
    #[must_use]
    pub fn file_name(&self) -> String {
        let key = self.archived.key.to_string();
        key.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// Begins to read some of its bytes.
    #[must_use]
    pub fn read(self, range: Range<u64>) -> ObjectPart {
        let left = range.end.saturating_sub(range.start);
        ObjectPart { reader: self.reader, begin: Some(range.start), left }
    }
}

/// Bytes of an object, being read. Between two chunks nothing is held but a file.
#[derive(Debug)]
pub struct ObjectPart {
    reader: ObjectReader,
    begin: Option<u64>,
    left: u64,
}

impl ObjectPart {
    /// The next bytes; `None` is the end of the part.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        if let Some(begin) = self.begin.take() {
            self.reader.skip_to(begin).await?;
        }
        if self.left == 0 {
            return Ok(None);
        }
        let Some(mut chunk) = self.reader.next_chunk().await? else { return Ok(None) };
        chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= chunk.len() as u64;
        Ok(Some(chunk))
    }
}
