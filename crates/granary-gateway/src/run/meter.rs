//! What queries have read while they run, for those that will not be able to say it.
//!
//! ClickHouse says what a query has read in its answer's head, which is all there is to know of an answer that fits into
//! the server's buffer, and of no other. Of a longer answer, and of a query that fails or that nobody waits for any more, it
//! is known what the server's list of running queries last said. The list is looked at for all queries at once, while
//! any runs for longer than a moment, and once more before one is abandoned. So of a query that fails or streams what
//! it read in its last quarter of a second can be missing; nothing is ever counted that was not read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use granary_clickhouse::Warehouse;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often running queries are looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// How long a look may take; the next one comes soon.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a query has read, as far as anybody knows.
#[derive(Debug, Default)]
pub(super) struct Reading {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Reading {
    /// Takes what somebody has seen; figures only grow.
    pub(super) fn at_least(&self, rows: u64, bytes: u64) {
        self.rows.fetch_max(rows, Ordering::Relaxed);
        self.bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> (u64, u64) {
        (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// Looks at running queries. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Meter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    warehouse: Warehouse,
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    readings: HashMap<String, Arc<Reading>>,
    is_looking: bool,
}

/// A query being watched, until this goes.
#[derive(Debug)]
pub(super) struct Watched {
    meter: Meter,
    query: String,
}

impl Meter {
    /// `warehouse` should be a user that can read three columns of `system.processes`.
    pub(crate) fn new(warehouse: Warehouse) -> Self {
        Self(Arc::new(Shared { warehouse, runs: Mutex::default() }))
    }

    /// Keeps `reading` up to date.
    pub(super) fn watch(&self, query: String, reading: &Arc<Reading>) -> Watched {
        let mut runs = self.runs();
        runs.readings.insert(query.clone(), Arc::clone(reading));
        if !runs.is_looking {
            runs.is_looking = true;
            tokio::spawn(self.clone().keep_looking());
        }
        Watched { meter: self.clone(), query }
    }

    /// Looks until nothing runs.
    async fn keep_looking(self) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, and most queries are over before the second.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let queries: Vec<_> = {
                let mut runs = self.runs();
                if runs.readings.is_empty() {
                    runs.is_looking = false;
                    return;
                }
                runs.readings.keys().cloned().collect()
            };
            self.look(queries).await;
        }
    }

    async fn look(&self, queries: Vec<String>) {
        const SQL: &str = "SELECT query_id, read_rows, read_bytes FROM system.processes \
                           WHERE query_id IN {queries:Array(String)}";
        let query = self.0.warehouse.query(SQL).param("queries", queries);
        match timeout(PATIENCE, query.fetch_all::<(String, u64, u64)>()).await {
            Ok(Ok(found)) => {
                let runs = self.runs();
                for (query, rows, bytes) in found {
                    if let Some(reading) = runs.readings.get(&query) {
                        reading.at_least(rows, bytes);
                    }
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "what queries have read cannot be seen"),
            Err(_) => {}
        }
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    /// Looks once more.
    pub(super) async fn look(&self) {
        self.meter.look(vec![self.query.clone()]).await;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.meter.runs().readings.remove(&self.query);
    }
}
