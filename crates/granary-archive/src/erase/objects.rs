//! A session's objects: found by name among all of the tenant's, since a mark names only the newest.

use futures::TryStreamExt as _;

use crate::names::SessionName;
use crate::{ArchiveError, ObjectKey, Store};

/// The objects of a session: one, or two where an archiver was stopped between a new one and the old one's end.
pub(super) async fn of(store: &Store, session: &SessionName) -> Result<Vec<ObjectKey>, ArchiveError> {
    let keys = store.list(&ObjectKey::prefix_of(&session.tenant)).try_filter_map(|listed| {
        let key = listed.ok();
        std::future::ready(Ok(
            key.filter(|key| key.session().is(&session.session) && key.tenant().is(session.tenant.as_str()))
        ))
    });
    Ok(keys.try_collect().await?)
}

/// Deletes them, and returns which they were.
pub(super) async fn delete(store: &Store, session: &SessionName) -> Result<Vec<ObjectKey>, ArchiveError> {
    let keys = of(store, session).await?;
    for key in &keys {
        store.delete(key).await?;
    }
    Ok(keys)
}
