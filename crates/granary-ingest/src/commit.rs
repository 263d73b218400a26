//! Sealed groups are made durable, then everyone who waits is answered. The seam of the write-ahead log.
//!
//! Today a group is durable when ClickHouse has taken its blocks. A failed insert is repeated with the same
//! token, so a block whose answer was lost is not stored twice; when the commit timeout is over, the senders
//! are told to come back and the group is let go. What a sender then sends again is a new batch.

use std::time::Duration;

use futures::future::join_all;
use granary_clickhouse::{ClickHouseError, SealedBlock, Warehouse};
use granary_model::Signal;
use granary_otlp::Answer;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::TaskTracker;

use crate::accounting::Accounting;
use crate::error::{RETRY_AFTER, Refusal};

/// The blocks of one commit and who waits for it.
pub(crate) struct Group {
    pub(crate) blocks: Vec<SealedBlock>,
    pub(crate) waiters: Vec<Waiter>,
}

/// A request whose records are in the group.
pub(crate) struct Waiter {
    pub(crate) signal: Signal,
    pub(crate) records: u64,
    pub(crate) success: Answer,
    pub(crate) answer: oneshot::Sender<Result<Answer, Refusal>>,
}

/// Groups on their way into ClickHouse at once. An insert costs the engine tens of milliseconds of CPU however few rows it
/// has, so a second one beside the first would cost more than it brings; while one is under way, the next group grows.
const CONCURRENT: usize = 1;

/// The wait before the first repetition; it doubles up to the longest.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Why a group was not stored.
enum Failure {
    Unavailable,
    Refused,
}

/// Takes groups until every lane has ended, then ends itself once the last is done.
pub(crate) async fn run(
    mut groups: mpsc::Receiver<Group>,
    warehouse: Warehouse,
    accounting: Accounting,
    commit_timeout: Duration,
) {
    let room = std::sync::Arc::new(Semaphore::new(CONCURRENT));
    let tasks = TaskTracker::new();
    loop {
        // Room first: while there is none the channel fills and the lane knows.
        let Ok(permit) = std::sync::Arc::clone(&room).acquire_owned().await else { break };
        let Some(group) = groups.recv().await else { break };
        let (warehouse, accounting) = (warehouse.clone(), accounting.clone());
        tasks.spawn(async move {
            commit(group, &warehouse, &accounting, commit_timeout).await;
            drop(permit);
        });
    }
    tasks.close();
    tasks.wait().await;
}

async fn commit(group: Group, warehouse: &Warehouse, accounting: &Accounting, commit_timeout: Duration) {
    let deadline = Instant::now() + commit_timeout;
    let stored = join_all(group.blocks.iter().map(|block| store(block, warehouse, deadline))).await;
    let failure = stored.into_iter().find_map(Result::err);
    for Waiter { signal, records, success, answer } in group.waiters {
        accounting.ended(signal, records, failure.is_none());
        let result = match failure {
            None => Ok(success),
            Some(Failure::Unavailable) => Err(Refusal::Unavailable { retry_after: RETRY_AFTER }),
            Some(Failure::Refused) => Err(Refusal::Refused),
        };
        // A sender that has gone needs no answer.
        drop(answer.send(result));
    }
}

/// Inserts one block, again and again until the deadline unless the server refuses it for good.
async fn store(block: &SealedBlock, warehouse: &Warehouse, deadline: Instant) -> Result<(), Failure> {
    let mut backoff = FIRST_BACKOFF;
    loop {
        let error = match timeout_at(deadline, warehouse.insert(block)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => ClickHouseError::TimedOut { after: warehouse.timeout() },
        };
        let SealedBlock { table, rows, token, .. } = block;
        if !error.is_transient() {
            tracing::error!(%error, table, rows, token, "ClickHouse refuses a block for good; its senders were told");
            return Err(Failure::Refused);
        }
        if Instant::now() + backoff >= deadline {
            tracing::warn!(%error, table, rows, token, "a block was not stored in time; its senders were told to come back");
            return Err(Failure::Unavailable);
        }
        tracing::debug!(%error, table, rows, token, retry_in = ?backoff, "an insert failed");
        sleep(backoff).await;
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
}
