//! Who asked what of whose data, from where, and what came of it: `query_audit`, kept in the background.
//!
//! Whoever answers something records an [`Entry`], at its end, and waits for nothing: entries go into a queue, and a task
//! inserts them, a second's worth at once, under a token, so that an insert in doubt can be repeated. While ClickHouse is
//! away they wait. The queue is bounded ([`AuditOptions::queue`]); an entry that finds it full is lost, and that is not
//! silent: a metric counts it, the log says it, and a row of kind `lost` says it in the audit itself, to the tenant whose entry
//! it was. Told to stop, the gateway records what its last answers came to and then waits for the queue to empty.
//!
//! A caller that is turned away again and again makes one entry a second for each limit, with the number of times.
//!
//! The user that inserts may add rows to this one table and change nothing. No entry holds a key or a token: what
//! proves who asks never comes here.

mod asked;
mod entry;
mod keeper;
mod told;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use granary_clickhouse::Warehouse;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::metrics::Metrics;
use crate::{Binding, Caller, Refusal};

pub use asked::Asked;
pub use entry::{Entry, Kind, Outcome};
pub use told::Scrub;

use keeper::Keeper;

/// Callers that are turned away within one second, each with what by. Beyond, refusals are counted as lost.
const MAX_TURNED_AWAY: usize = 1_024;

/// Tenants whose lost entries are counted one by one; beyond, they are counted together.
const MAX_TENANTS: usize = 1_024;

/// How the audit is kept.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// How long an entry is kept; for ever where zero. Entries keep what was in force when they were written.
    pub keep: Duration,
    /// Entries that wait to be inserted.
    pub queue: usize,
    /// Whether values of parameters are kept, or their names alone.
    pub parameters: bool,
    /// Takes secrets out of values.
    pub scrub: Scrub,
}

/// The audit. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Audit(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    options: AuditOptions,
    queue: mpsc::Sender<Entry>,
    pending: Mutex<Pending>,
    metrics: Metrics,
    /// That the queue is filling up.
    hurry: Notify,
    closing: CancellationToken,
    tasks: TaskTracker,
}

/// What is told in one entry for many.
#[derive(Debug, Default)]
struct Pending {
    turned_away: HashMap<(String, String, Refused), Entry>,
    lost: HashMap<String, u64>,
}

type Refused = (&'static str, &'static str);

impl Audit {
    /// Keeps nothing.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Begins to keep entries. `warehouse` should be a user that can add rows to `query_audit` and do nothing else to it.
    pub(crate) fn start(warehouse: Warehouse, options: AuditOptions, metrics: Metrics) -> Self {
        let (queue, entries) = mpsc::channel(options.queue.max(1));
        let shared = Arc::new(Shared {
            options,
            queue,
            pending: Mutex::default(),
            metrics,
            hurry: Notify::new(),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let keeper = Keeper::new(warehouse, Arc::clone(&shared), entries);
        shared.tasks.spawn(keeper.run());
        Self(Some(shared))
    }

    /// Adds an entry and waits for nothing.
    pub fn record(&self, entry: Entry) {
        let Some(shared) = &self.0 else { return };
        if let Err(error) = shared.queue.try_send(entry) {
            let (mpsc::error::TrySendError::Full(entry) | mpsc::error::TrySendError::Closed(entry)) = error;
            shared.lose(entry.tenant, entry.entries);
        }
        if shared.queue.capacity() < shared.queue.max_capacity() / 2 {
            shared.hurry.notify_one();
        }
    }

    /// Begins an entry about what a caller asks for, which is recorded when it goes.
    #[must_use]
    pub fn begin(&self, caller: &Caller, request: Uuid, kind: Kind) -> Asked {
        Asked::new(self.clone(), of(caller, request, kind))
    }

    /// A query's parameters as an entry has them.
    pub fn parameters(&self, bindings: &[(String, Binding)]) -> String {
        self.0.as_ref().map(|shared| told::parameters(bindings, &shared.options)).unwrap_or_default()
    }

    /// SQL of a caller's own as an entry has it.
    pub fn sql(&self, text: &str) -> String {
        self.0.as_ref().map(|shared| told::sql(text, &shared.options)).unwrap_or_default()
    }

    /// Records that a limit turned a caller away before anything was known of what it wants.
    pub(crate) fn turned_away(&self, caller: &Caller, request: Uuid, refusal: &Refusal) {
        let Some(shared) = &self.0 else { return };
        let refused = (refusal.limit.name(), refusal.of.name());
        let key = (caller.tenant().to_string(), caller.to_string(), refused);
        let mut pending = shared.pending();
        if let Some(entry) = pending.turned_away.get_mut(&key) {
            entry.entries += 1;
        } else if pending.turned_away.len() < MAX_TURNED_AWAY {
            let mut entry = of(caller, request, Kind::Request);
            (entry.outcome, entry.reason) = (Outcome::Refused, refusal.limit.name().to_owned());
            entry.status = crate::problem::status_of(refusal).as_u16();
            pending.turned_away.insert(key, entry);
        } else {
            drop(pending);
            shared.lose(key.0, 1);
        }
    }

    /// Takes no more entries, and returns when those there are have been inserted or given up.
    pub(crate) async fn close(&self) {
        let Some(shared) = &self.0 else { return };
        shared.closing.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
    }
}

fn of(caller: &Caller, request: Uuid, kind: Kind) -> Entry {
    let mut entry = Entry::new(caller.tenant().to_string(), request, kind);
    entry.account = caller.to_string();
    entry.address = caller.address().map(|address| address.to_string()).unwrap_or_default();
    entry
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what could not be kept.
    fn lose(&self, tenant: String, entries: u64) {
        self.metrics.audit_lost(entries);
        let lost = &mut self.pending().lost;
        let tenant =
            if lost.len() < MAX_TENANTS || lost.contains_key(&tenant) { tenant } else { String::new() };
        *lost.entry(tenant).or_default() += entries;
    }
}
