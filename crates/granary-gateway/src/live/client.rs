//! One who listens: first to what was stored while it was away, then to what comes.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use granary_archive::{ArchiveError, InsertRows, StoredInsert, inserts_since};
use granary_model::TenantId;

use super::queue::Queue;
use super::{
    InsertKey, Listening, LiveError, LiveEvent, LiveFilter, LiveId, LiveItem, Missed, MissedWhy, key_of,
};

/// Rows that somebody who comes back may catch up with; of more the oldest inserts count as missed.
pub(crate) const MAX_RESUMED_ROWS: u64 = 50_000;

/// How much later than another an insert that began earlier may become visible, for who comes back. Longer than inserts
/// take on a server that is not overloaded.
pub(crate) const UNCERTAIN: Duration = Duration::from_secs(2);

/// Somebody who listens. Dropping it ends that.
#[derive(Debug)]
pub struct LiveClient {
    queue: Arc<Queue>,
    listening: Listening,
    past: Past,
}

/// What was stored between the last event that the client saw and its coming back.
#[derive(Debug, Default)]
struct Past {
    missed: Option<Missed>,
    inserts: VecDeque<StoredInsert>,
    after: Option<LiveId>,
    /// What is being read, and the place of its next row.
    reading: Option<(StoredInsert, InsertRows, u64)>,
}

impl LiveClient {
    pub(super) async fn join(
        listening: Listening,
        tenant: &TenantId,
        filter: LiveFilter,
        after: Option<LiveId>,
    ) -> Result<Self, LiveError> {
        let shared = Arc::clone(&listening.shared);
        let queue = Arc::new(Queue::new(tenant.clone(), filter, shared.limits.clone()));
        // In one step: an insert is either handed on to this client, or was handed on before.
        let (handed_on, horizon_ms) = {
            let mut state = shared.state();
            state.queues.push(Arc::clone(&queue));
            let handed_on = if after.is_some() { state.handed_on.clone() } else { HashSet::new() };
            (handed_on, state.horizon_ms)
        };
        let mut client = Self { queue, listening, past: Past::default() };
        if let Some(after) = after {
            let since = after.stored_ms.saturating_sub(millis(UNCERTAIN));
            let mut inserts = inserts_since(&shared.warehouse, since).await?;
            let is_past = |insert: &StoredInsert| {
                insert.tenant == *tenant
                    && (insert.stored_ms < horizon_ms || handed_on.contains::<InsertKey>(&key_of(insert)))
            };
            inserts.retain(is_past);
            client.past = Past::of(inserts.into(), after);
        }
        Ok(client)
    }

    /// The next event, or that some were missed, once there is one.
    ///
    /// # Errors
    ///
    /// What was stored while the client was away cannot be read; it may come back with the same id.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn next(&mut self) -> Result<LiveItem, ArchiveError> {
        if let Some(missed) = self.past.missed.take() {
            return Ok(LiveItem::Missed(missed));
        }
        while let Some(event) = self.past.next(&self.queue, &self.listening).await? {
            if let Some(event) = event {
                return Ok(LiveItem::Event(event));
            }
        }
        Ok(self.queue.take().await)
    }

    /// Changes what is wanted, also of what waits already.
    pub fn set_filter(&self, filter: LiveFilter) {
        self.queue.set_filter(filter);
    }

    /// What is wanted.
    #[must_use]
    pub fn filter(&self) -> LiveFilter {
        self.queue.filter()
    }
}

impl Drop for LiveClient {
    fn drop(&mut self) {
        self.listening.shared.state().queues.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
    }
}

impl Past {
    fn of(mut inserts: VecDeque<StoredInsert>, after: LiveId) -> Self {
        let mut rows: u64 = inserts.iter().map(|insert| insert.rows).sum();
        let mut missed: Option<Missed> = None;
        while rows > MAX_RESUMED_ROWS
            && let Some(oldest) = inserts.pop_front()
        {
            rows -= oldest.rows;
            let (before, since_ms) = missed.map_or((0, oldest.stored_ms), |m| (m.events, m.since_ms));
            missed = Some(Missed { events: before + oldest.rows, since_ms, why: MissedWhy::Rate });
        }
        Self { missed, inserts, after: Some(after), reading: None }
    }

    /// The next row; within that the event, if it is wanted and was not seen.
    async fn next(
        &mut self,
        queue: &Queue,
        listening: &Listening,
    ) -> Result<Option<Option<Arc<LiveEvent>>>, ArchiveError> {
        if self.reading.is_none() {
            let Some(insert) = self.inserts.front() else { return Ok(None) };
            let rows = InsertRows::of(&listening.shared.warehouse, insert, 0)?;
            self.reading = self.inserts.pop_front().map(|insert| (insert, rows, 0));
        }
        let Some((insert, rows, nth)) = &mut self.reading else { return Ok(None) };
        let Some(row) = rows.next().await? else {
            self.reading = None;
            return Ok(Some(None));
        };
        let id = LiveId { stored_ms: insert.stored_ms, key: insert.key, nth: *nth };
        *nth += 1;
        let was_seen = self.after.is_some_and(|after| {
            (after.stored_ms, after.key) == (id.stored_ms, id.key) && id.nth <= after.nth
        });
        if was_seen || !queue.wants(&row.facets) {
            return Ok(Some(None));
        }
        let event = row.event()?;
        Ok(Some(Some(Arc::new(LiveEvent { id, event, facets: row.facets }))))
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
