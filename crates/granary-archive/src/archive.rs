//! The archive as the other roles use it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use granary_clickhouse::Warehouse;
use granary_model::TenantId;

use crate::erase::is_erased;
use crate::names::SessionName;
use crate::object::ObjectLines;
use crate::replay::{Source, open};
use crate::retention::Retention;
use crate::session_lines::SessionLines;
use crate::{
    ArchiveConfig, ArchiveError, ArchiveLine, ArchivedObject, ArchivedSession, DueSession, Replay,
    ReplayEvent, ReplayOptions, Store, Uploaded, Verified, download, job, mark, select,
};

/// A session's lines: header, events in order, trailer. Nothing is held once it is dropped.
pub type LineStream = BoxStream<'static, Result<ArchiveLine, ArchiveError>>;

/// A session's events as they are due. Nothing is held once it is dropped.
pub type ReplayStream = BoxStream<'static, Result<ReplayEvent, ArchiveError>>;

/// A store of archived sessions and the warehouse they come from. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Archive {
    config: Arc<ArchiveConfig>,
    store: Store,
    warehouse: Warehouse,
}

impl Archive {
    /// Opens the store and makes sure that it answers.
    ///
    /// `warehouse` needs the right to insert only where something is archived; to read and to replay, a reader
    /// is enough.
    pub async fn open(config: &ArchiveConfig, warehouse: Warehouse) -> Result<Self, ArchiveError> {
        Retention::read(config)?;
        let store = Store::open(config).await?;
        Ok(Self { config: Arc::new(config.clone()), store, warehouse })
    }

    /// The same for a role that has other work, too: the store may be away now, as it may be later. Settings and answers that say no
    /// are errors all the same.
    pub async fn open_also_away(config: &ArchiveConfig, warehouse: Warehouse) -> Result<Self, ArchiveError> {
        Retention::read(config)?;
        let store = Store::open_also_away(config).await?;
        Ok(Self { config: Arc::new(config.clone()), store, warehouse })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    pub(crate) fn config(&self) -> &ArchiveConfig {
        &self.config
    }

    /// The sessions that are to be archived now: quiet or ended, and not archived, or with records that their object
    /// has not; without those that an archiver works on. The one that has been quiet for longest comes first; there
    /// are no more than 10,000 in one answer.
    pub async fn due(&self, now: SystemTime) -> Result<Vec<DueSession>, ArchiveError> {
        self.due_since(now, UNIX_EPOCH).await
    }

    pub(crate) async fn due_since(
        &self,
        now: SystemTime,
        since: SystemTime,
    ) -> Result<Vec<DueSession>, ArchiveError> {
        select::due(&self.warehouse, now, &self.config, since).await
    }

    /// Archives one session, whether it is due or not: [`upload`](Self::upload),
    /// [`verify_object`](Self::verify_object), [`mark`](Self::mark). May be repeated, and stopped at any point.
    ///
    /// It does not ask whether another archiver works on the session: both end in the same object and mark.
    pub async fn archive_session(
        &self,
        tenant: &TenantId,
        session: &str,
    ) -> Result<ArchivedSession, ArchiveError> {
        if is_erased(&self.warehouse, tenant, session).await? {
            return Err(ArchiveError::Erased { session: session.to_owned() });
        }
        let uploaded = self.upload(tenant, session).await?;
        let verified = self.verify_object(uploaded).await?;
        self.mark(verified).await
    }

    /// Writes a session's object, in place of an older one.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Shrunk`] where the older one has more records; it is kept then.
    pub async fn upload(&self, tenant: &TenantId, session: &str) -> Result<Uploaded, ArchiveError> {
        let name = SessionName::new(tenant, session);
        let mut tasks = job::tasks(&self.warehouse, std::slice::from_ref(&name), None).await?;
        let task = tasks.pop().ok_or_else(|| not_found(session))?;
        job::upload(&self.store, &self.warehouse, &task, None, None).await
    }

    /// Reads an object back and compares it with what was written.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Corrupt`] where it differs; the session is still due then.
    pub async fn verify_object(&self, uploaded: Uploaded) -> Result<Verified, ArchiveError> {
        job::verify_upload(&self.store, uploaded).await
    }

    /// Records in `session_archives` that a session's object is there and good.
    pub async fn mark(&self, verified: Verified) -> Result<ArchivedSession, ArchiveError> {
        let mut archived = job::mark(&self.store, &self.warehouse, vec![verified]).await?;
        archived.pop().ok_or_else(|| ArchiveError::Answer { problem: "nothing was marked".to_owned() })
    }

    /// What was recorded of a session's object; `None` where it was never archived.
    pub async fn archived(
        &self,
        tenant: &TenantId,
        session: &str,
    ) -> Result<Option<ArchivedSession>, ArchiveError> {
        mark::newest(&self.warehouse, tenant, session).await
    }

    /// The sessions that have an object, the one that was archived last first.
    pub async fn latest(&self, limit: usize) -> Result<Vec<ArchivedSession>, ArchiveError> {
        mark::latest(&self.warehouse, limit).await
    }

    /// Opens a session's object, to be handed on as it is; `None` where the session was never archived.
    ///
    /// # Errors
    ///
    /// [`StoreError::Changed`](crate::StoreError::Changed) while it is being replaced; it can be had again in a moment.
    pub async fn object(
        &self,
        tenant: &TenantId,
        session: &str,
    ) -> Result<Option<ArchivedObject>, ArchiveError> {
        download::open(&self.store, &self.warehouse, tenant, session).await
    }

    /// Reads a session's object to its end and compares it with what was recorded.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Corrupt`] where it differs, [`ArchiveError::Missing`] where it is gone,
    /// [`ArchiveError::SessionNotFound`] where it was never archived.
    pub async fn verify_session(
        &self,
        tenant: &TenantId,
        session: &str,
    ) -> Result<ArchivedSession, ArchiveError> {
        let archived = self.archived(tenant, session).await?;
        let archived = archived.ok_or_else(|| not_found(session))?;
        job::verify(&self.store, &archived).await?;
        Ok(archived)
    }

    /// A session's lines: from its object where that is up to date, else the same lines straight from the warehouse.
    ///
    /// An object that has more than the warehouse is up to date too: what it has may have been deleted there.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::SessionNotFound`] where neither has anything of it. An object that is damaged is noticed
    /// where the damage is, so the stream may end with an error after lines that were sound.
    pub async fn read(&self, tenant: &TenantId, session: &str) -> Result<LineStream, ArchiveError> {
        match open(&self.store, &self.warehouse, tenant, session, None).await? {
            Source::Object(lines) => Ok(object_stream(*lines)),
            Source::Rows(rows, _) => Ok(row_stream(SessionLines::begin(rows, tenant, session).await?)),
        }
    }

    /// A session's lines from a time on, and maybe some before it; header and trailer may be there or not.
    pub(crate) async fn lines_from(
        &self,
        tenant: &TenantId,
        session: &str,
        from: Option<u64>,
    ) -> Result<LineStream, ArchiveError> {
        match open(&self.store, &self.warehouse, tenant, session, from).await? {
            Source::Object(lines) => Ok(object_stream(*lines)),
            Source::Rows(mut rows, extent) => {
                let first = rows.try_next().await?;
                if first.is_none() && (from.is_none() || extent.records == 0) {
                    return Err(not_found(session));
                }
                Ok(stream::iter(first.map(Ok)).chain(rows).boxed())
            }
        }
    }

    /// A session's events at the pace they happened, times `options.speed`; the first comes at once.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn replay(
        &self,
        tenant: &TenantId,
        session: &str,
        options: ReplayOptions,
    ) -> Result<Replay, ArchiveError> {
        Replay::begin(self.clone(), tenant.clone(), session.to_owned(), options).await
    }
}

fn not_found(session: &str) -> ArchiveError {
    ArchiveError::SessionNotFound { session: session.to_owned() }
}

fn object_stream(lines: ObjectLines) -> LineStream {
    stream::try_unfold(lines, |mut lines| async move { Ok(lines.next().await?.map(|line| (line, lines))) })
        .boxed()
}

fn row_stream(lines: SessionLines) -> LineStream {
    stream::try_unfold(lines, |mut lines| async move { Ok(lines.next().await?.map(|line| (line, lines))) })
        .boxed()
}
