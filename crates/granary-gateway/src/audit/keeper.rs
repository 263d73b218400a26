//! The task that inserts what was recorded.

use std::sync::Arc;
use std::time::Duration;

use granary_clickhouse::Warehouse;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};
use uuid::Uuid;

use super::entry::Row;
use super::{Entry, Kind, Outcome, Shared};

/// How long entries gather for one insert.
const INTERVAL: Duration = Duration::from_secs(1);

/// Rows of one insert.
const MAX_ROWS: usize = 2_048;

/// The wait before an insert is tried again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Told to stop, how long what is in the queue may take to be inserted.
const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// Inserts entries until it is told to stop; then what is there, and ends.
pub(super) struct Keeper {
    warehouse: Warehouse,
    shared: Arc<Shared>,
    entries: mpsc::Receiver<Entry>,
}

impl Keeper {
    pub(super) fn new(warehouse: Warehouse, shared: Arc<Shared>, entries: mpsc::Receiver<Entry>) -> Self {
        Self { warehouse, shared, entries }
    }

    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shared.closing.cancelled() => break,
                () = shared.hurry.notified() => self.keep_what_is_there().await,
                _ = ticks.tick() => self.keep_what_is_there().await,
            }
        }
        // Whoever records from here on is told that it was too late, and counted.
        self.entries.close();
        self.keep_what_is_there().await;
        let lost = std::mem::take(&mut self.shared.pending().lost);
        if !lost.is_empty() {
            let entries: u64 = lost.values().sum();
            tracing::error!(entries, "entries of the audit were lost, and the audit cannot say so any more");
        }
    }

    async fn keep_what_is_there(&mut self) {
        loop {
            let mut rows = self.told_together();
            while rows.len() < MAX_ROWS {
                let Ok(entry) = self.entries.try_recv() else { break };
                rows.push(self.row(entry));
            }
            if rows.is_empty() {
                return;
            }
            let is_all = rows.len() < MAX_ROWS;
            self.insert(rows).await;
            if is_all {
                return;
            }
        }
    }

    /// Refusals of one kind, and what was lost, each in one row.
    fn told_together(&self) -> Vec<Row> {
        let mut pending = self.shared.pending();
        let turned_away = std::mem::take(&mut pending.turned_away).into_values();
        let lost = std::mem::take(&mut pending.lost);
        drop(pending);
        if !lost.is_empty() {
            let entries: u64 = lost.values().sum();
            tracing::error!(entries, "entries of the audit were lost: more came than could be inserted");
        }
        let lost = lost.into_iter().map(|(tenant, entries)| {
            let mut entry = Entry::new(tenant, Uuid::now_v7(), Kind::Lost);
            (entry.entries, entry.outcome) = (entries, Outcome::Failed);
            entry
        });
        turned_away.chain(lost).map(|entry| self.row(entry)).collect()
    }

    fn row(&self, entry: Entry) -> Row {
        let keep = self.shared.options.keep.as_secs();
        let written = u64::try_from(entry.time.as_second()).unwrap_or_default();
        let expires_at = if keep == 0 { u64::MAX } else { written.saturating_add(keep) };
        // The last second that the column can hold is past everybody's memory.
        Row { entry, expires_at: u32::try_from(expires_at).unwrap_or(u32::MAX) }
    }

    /// Inserts, as often as it takes, until the gateway stops and that takes too long.
    async fn insert(&mut self, rows: Vec<Row>) {
        let token = Uuid::now_v7().to_string();
        let closing = self.shared.closing.clone();
        let (mut pause, mut give_up_at) = (FIRST_PAUSE, None);
        loop {
            let attempt = self.warehouse.insert_rows("query_audit", &rows, Some(&token));
            let inserted = match give_up_at {
                None => tokio::select! {
                    inserted = attempt => Some(inserted),
                    () = closing.cancelled() => {
                        give_up_at = Some(Instant::now() + CLOSE_GRACE);
                        // The same rows under the same token: the attempt that was left does not add them twice.
                        continue;
                    }
                },
                Some(end) => timeout_at(end, attempt).await.ok(),
            };
            let error = match inserted {
                Some(Ok(())) => {
                    let entries = rows.iter().map(|row| row.entry.entries).sum();
                    self.shared.metrics.audit_stored(entries);
                    return;
                }
                Some(Err(error)) if error.is_transient() => Some(error),
                Some(Err(error)) => {
                    tracing::error!(%error, rows = rows.len(), "entries of the audit were refused for good");
                    return self.lose(rows);
                }
                None => None,
            };
            if give_up_at.is_some_and(|end| Instant::now() + pause >= end) {
                tracing::error!(rows = rows.len(), "entries of the audit were not inserted before the stop");
                return self.lose(rows);
            }
            if let Some(error) = error {
                tracing::warn!(%error, rows = rows.len(), "entries of the audit wait to be inserted");
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = closing.cancelled(), if give_up_at.is_none() => {
                    give_up_at = Some(Instant::now() + CLOSE_GRACE);
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn lose(&self, rows: Vec<Row>) {
        for row in rows {
            self.shared.lose(row.entry.tenant, row.entry.entries);
        }
    }
}
