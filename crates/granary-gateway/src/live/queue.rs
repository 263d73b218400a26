//! What waits for one client: so many events, so many bytes, and behind them how many did not fit.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use granary_archive::Facets;
use granary_model::TenantId;
use tokio::sync::Notify;

use super::{LiveEvent, LiveFilter, LiveItem, LiveLimits, Missed, MissedWhy};

/// What an event takes beside its text.
const EVENT_BYTES: u64 = 512;

/// Between the follower, which never waits, and a client, which may.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) tenant: TenantId,
    limits: LiveLimits,
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug)]
struct Waiting {
    filter: LiveFilter,
    items: VecDeque<LiveItem>,
    bytes: u64,
}

impl Queue {
    pub(super) fn new(tenant: TenantId, filter: LiveFilter, limits: LiveLimits) -> Self {
        let waiting = Waiting { filter, items: VecDeque::new(), bytes: 0 };
        Self { tenant, limits, waiting: Mutex::new(waiting), changed: Notify::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the client wants the event.
    pub(super) fn wants(&self, facets: &Facets) -> bool {
        self.waiting().filter.wants(facets)
    }

    /// Puts the event behind the others, or counts it as missed where it does not fit. Once one was missed the next ones
    /// are, too, until the client has heard of it: so it hears of it in its place.
    pub(super) fn offer(&self, event: &Arc<LiveEvent>) {
        let bytes = size(event);
        let mut waiting = self.waiting();
        let is_behind = at_the_end(&mut waiting.items, MissedWhy::Slow).is_some();
        let fits = waiting.items.len() < self.limits.max_queue_events as usize
            && (waiting.items.is_empty() || waiting.bytes + bytes <= self.limits.max_queue_bytes);
        if fits && !is_behind {
            waiting.bytes += bytes;
            waiting.items.push_back(LiveItem::Event(Arc::clone(event)));
        } else {
            let missed = Missed { events: 1, since_ms: event.id.stored_ms, why: MissedWhy::Slow };
            add_missed(&mut waiting.items, missed);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Counts events as missed.
    pub(super) fn miss(&self, missed: Missed) {
        add_missed(&mut self.waiting().items, missed);
        self.changed.notify_one();
    }

    /// The next item, once there is one.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(super) async fn take(&self) -> LiveItem {
        loop {
            {
                let mut waiting = self.waiting();
                if let Some(item) = waiting.items.pop_front() {
                    if let LiveItem::Event(event) = &item {
                        waiting.bytes -= size(event);
                    }
                    return item;
                }
            }
            self.changed.notified().await;
        }
    }

    /// From now on other events are wanted, also of those that wait.
    pub(super) fn set_filter(&self, filter: LiveFilter) {
        let mut waiting = self.waiting();
        let mut kept = VecDeque::new();
        let mut bytes = 0;
        for item in std::mem::take(&mut waiting.items) {
            match item {
                LiveItem::Event(event) if !filter.wants(&event.facets) => {}
                LiveItem::Event(event) => {
                    bytes += size(&event);
                    kept.push_back(LiveItem::Event(event));
                }
                LiveItem::Missed(missed) => add_missed(&mut kept, missed),
            }
        }
        (waiting.items, waiting.bytes, waiting.filter) = (kept, bytes, filter);
    }

    pub(super) fn filter(&self) -> LiveFilter {
        self.waiting().filter.clone()
    }
}

/// What was missed behind the last event, for that reason.
fn at_the_end(items: &mut VecDeque<LiveItem>, why: MissedWhy) -> Option<&mut Missed> {
    let behind = items.iter_mut().rev().map_while(|item| match item {
        LiveItem::Missed(missed) => Some(missed),
        LiveItem::Event(_) => None,
    });
    behind.into_iter().find(|missed| missed.why == why)
}

/// Adds to what was missed at the end. There is one such item for each reason behind an event, so they need no bound of
/// their own.
fn add_missed(items: &mut VecDeque<LiveItem>, more: Missed) {
    match at_the_end(items, more.why) {
        Some(missed) => {
            missed.events += more.events;
            missed.since_ms = missed.since_ms.min(more.since_ms);
        }
        None => items.push_back(LiveItem::Missed(more)),
    }
}

fn size(event: &LiveEvent) -> u64 {
    event.event.json.len() as u64 + EVENT_BYTES
}

#[cfg(test)]
mod tests;
