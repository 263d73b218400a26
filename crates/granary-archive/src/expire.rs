//! Deleting objects whose time is over.
//!
//! How long a session's object is kept counts from when its newest record was received: by this side's clock,
//! because the sessions' own clocks may be wrong by years. The object is deleted first and the mark says so afterwards: a job
//! that is killed in between finds the session again, and deletes what is gone already. The mark stays, so that
//! rows which the warehouse still has do not make the session due again.

use std::time::{Duration, SystemTime};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use granary_model::TenantId;

use crate::lease::Lease;
use crate::names::SessionName;
use crate::retention::Retention;
use crate::{Archive, ArchiveError, ArchivedSession, mark};

/// Sessions that are leased, deleted and marked together.
const BATCH_SESSIONS: usize = 64;

impl Archive {
    /// Objects whose time was over at `now`, the oldest first, at most `limit`.
    pub async fn expired(&self, now: SystemTime, limit: usize) -> Result<Vec<ArchivedSession>, ArchiveError> {
        let mut found = Vec::new();
        for rule in Retention::read(self.config())?.rules() {
            let Some(before) = rule.keep.and_then(|keep| now.checked_sub(keep)) else { continue };
            let room = limit.saturating_sub(found.len());
            if room > 0 {
                found.extend(mark::received_before(self.warehouse(), &rule, before, room).await?);
            }
        }
        Ok(found)
    }

    /// Deletes the objects whose time was over at `now` and records it. Returns how many; those that an archiver works on
    /// stay until later.
    pub async fn expire(&self, now: SystemTime) -> Result<usize, ArchiveError> {
        let mut deleted = 0;
        loop {
            let expired = self.expired(now, BATCH_SESSIONS).await?;
            let found = expired.len();
            let names = expired
                .iter()
                .map(|one| SessionName { tenant: one.tenant.clone(), session: one.session.clone() });
            let lease = Lease::take(self.warehouse(), EXPIRING, names.collect()).await?;
            let held = |one: &ArchivedSession| {
                lease.sessions().iter().any(|name| name.tenant == one.tenant && name.session == one.session)
            };
            let held: Vec<_> = expired.iter().filter(|one| held(one)).collect();
            let done = self.expire_held(&held, &lease).await;
            let count = held.len();
            lease.give_up().await;
            done?;
            deleted += count;
            // A batch of which others have some would be found again and again.
            if found < BATCH_SESSIONS || count < found {
                return Ok(deleted);
            }
        }
    }

    async fn expire_held(&self, held: &[&ArchivedSession], lease: &Lease) -> Result<(), ArchiveError> {
        // An archiver may have written a newer object between the question and the lease.
        let current = mark::newest_of(self.warehouse(), lease.sessions()).await?;
        let name = |one: &ArchivedSession| SessionName::new(&one.tenant, &one.session);
        let unchanged: Vec<_> =
            held.iter().filter(|one| current.get(&name(one)) == Some(**one)).copied().collect();
        stream::iter(&unchanged)
            .map(|one| async move {
                lease.check(&one.session)?;
                Ok::<_, ArchiveError>(self.store().delete(&one.key).await?)
            })
            .buffer_unordered(self.config().concurrency.max(1))
            .boxed()
            .try_collect::<Vec<()>>()
            .await?;
        let names: Vec<_> = unchanged.iter().map(|one| name(one)).collect();
        mark::expire(self.warehouse(), &names).await
    }
}

/// Deleting a batch takes seconds.
const EXPIRING: Duration = Duration::from_mins(5);

/// Whose objects are kept how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// These tenants, or with `others` all but these.
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) others: bool,
    /// `None` is for ever.
    pub(crate) keep: Option<Duration>,
}
