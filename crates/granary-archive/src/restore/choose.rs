//! Which objects are restored: found in the store, since a warehouse that lost its rows may have lost its marks.

use futures::stream::{self, BoxStream, StreamExt as _};
use granary_model::TenantId;

use super::{RestoreFailure, RestoreOptions};
use crate::{Archive, ArchiveError, ObjectKey, mark};

type Chosen = Result<ObjectKey, RestoreFailure>;

/// The keys of the objects, as the store lists them.
pub(super) fn objects(archive: &Archive, options: RestoreOptions) -> BoxStream<'static, Chosen> {
    let archive = archive.clone();
    stream::once(async move {
        match marked(&archive, &options).await {
            Some(key) => stream::iter([Ok(key)]).boxed(),
            None => listed(&archive, options),
        }
    })
    .flatten()
    .boxed()
}

/// The one session that is asked for is found without a walk through the store where its mark is there.
async fn marked(archive: &Archive, options: &RestoreOptions) -> Option<ObjectKey> {
    let session = options.session.as_ref()?;
    let tenant = options.tenant.as_ref()?;
    // A warehouse that does not answer says so where rows are looked up.
    let archived = mark::newest(archive.warehouse(), tenant, session).await.ok().flatten()?;
    let there = archive.store().read(&archived.key).await.ok().flatten();
    there.map(|_| archived.key)
}

fn listed(archive: &Archive, options: RestoreOptions) -> BoxStream<'static, Chosen> {
    let prefix = match &options.tenant {
        Some(tenant) => ObjectKey::prefix_of(tenant),
        None => String::new(),
    };
    archive
        .store()
        .list(&prefix)
        .filter_map(move |listed| {
            std::future::ready(match listed {
                // What is no object of ours is not ours to restore, and no reason to fail.
                Ok(Err(name)) => {
                    tracing::debug!(name, "passed over: not the key of an archived session");
                    None
                }
                Ok(Ok(key)) => is_wanted(&key, &options).then_some(Ok(key)),
                Err(error) => {
                    let error = ArchiveError::from(error);
                    Some(Err(RestoreFailure { key: "the list of objects".to_owned(), error }))
                }
            })
        })
        .boxed()
}

fn is_wanted(key: &ObjectKey, options: &RestoreOptions) -> bool {
    let RestoreOptions { session, tenant, from, to, dry_run: _ } = options;
    session.as_ref().is_none_or(|session| key.session().is(session))
        && tenant.as_ref().is_none_or(|tenant: &TenantId| key.tenant().is(tenant.as_str()))
        && from.is_none_or(|from| key.day() >= from)
        && to.is_none_or(|to| key.day() < to)
}
