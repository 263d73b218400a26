//! Whether a store does what an archive needs of it, tried out on an object of no session.

use granary_model::TenantId;
use uuid::Uuid;

use super::{Over, Store, StoreError};
use crate::ObjectKey;

/// The tenant whose objects are tried out, and who has no sessions.
const TENANT: &str = "granary-doctor";

const CONTENT: &[u8] = b"whether an object can be written, read and deleted";

/// What a store was found to do. It wrote, read back what was written, and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    /// Whether it refuses to write over an object that should not be there: of two writers that saw the same, one
    /// writes.
    pub refuses_second_writer: bool,
}

/// A store does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It refuses.
    #[error("an object cannot be {action}: {source}")]
    Refused {
        /// What was tried.
        action: &'static str,
        /// What it said.
        source: StoreError,
    },
    /// It says that it did, and did not.
    #[error("an object was {action}, and then was not as it should be")]
    Wrong {
        /// What was tried.
        action: &'static str,
    },
}

impl Store {
    /// Writes an object, reads it back, tries to write it as if it were not there, and deletes it.
    ///
    /// # Errors
    ///
    /// What the store would not do. Where it would not delete, the object stays; its key begins with
    /// `tenants/granary-doctor/`.
    pub async fn probe(&self) -> Result<Probed, ProbeError> {
        let key = ObjectKey::new(&TenantId::new(TENANT), &Uuid::now_v7().to_string(), 0);
        let refused = |action| move |source| ProbeError::Refused { action, source };
        self.write_probe(&key, Over::Nothing).await.map_err(refused("written"))?;
        let read = self.read_probe(&key).await.map_err(refused("read"));
        let second = self.write_probe(&key, Over::Nothing).await;
        self.delete(&key).await.map_err(refused("deleted"))?;
        if read?.as_deref() != Some(CONTENT) {
            return Err(ProbeError::Wrong { action: "written" });
        }
        if self.version(&key).await.map_err(refused("looked for"))?.is_some() {
            return Err(ProbeError::Wrong { action: "deleted" });
        }
        match second {
            Ok(()) => Ok(Probed { refuses_second_writer: false }),
            Err(StoreError::Replaced { .. }) => Ok(Probed { refuses_second_writer: true }),
            Err(source) => Err(ProbeError::Refused { action: "written on a condition", source }),
        }
    }

    async fn write_probe(&self, key: &ObjectKey, over: Over) -> Result<(), StoreError> {
        let mut upload = self.create(key, over).await?;
        // The second writer writes something else: a store may take the same again for a repetition.
        let content = match self.version(key).await? {
            None => CONTENT,
            Some(_) => b"by a second writer",
        };
        upload.write(content).await?;
        upload.finish().await
    }

    async fn read_probe(&self, key: &ObjectKey) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(mut reader) = self.read(key).await? else { return Ok(None) };
        let mut content = Vec::new();
        while let Some(chunk) = reader.next_chunk().await? {
            content.extend_from_slice(&chunk);
        }
        Ok(Some(content))
    }
}
