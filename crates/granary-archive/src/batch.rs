//! Archiving many sessions: what can be asked or said for several at once is.
//!
//! A batch of sessions is leased with one insert and one look, described with two statements, and marked with one
//! insert. Small sessions, which most are, are read several by one statement. What is left for each session by itself
//! is to write its object and read it back; those run beside one another, as many as `concurrency` allows
//! over all batches.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::job::{self, Task};
use crate::lease::Lease;
use crate::names::SessionName;
use crate::rows::{FEW_ROWS, MAX_ROWS, rows_of};
use crate::{Archive, ArchiveError, ArchiveLine, ArchivedSession, DueSession, Verified};

/// Sessions of one batch.
pub(crate) const BATCH_SESSIONS: usize = 64;

/// Bytes of the names of one batch, which go out as parameters of a request's address.
const BATCH_NAME_BYTES: usize = 64 << 10;

/// Batches under way at once: while objects of one are written, the rows of the next are read.
pub(crate) const BATCHES: usize = 3;

/// What became of a session.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Its object is there and recorded.
    Archived(ArchivedSession),
    /// It is left to another archiver.
    Left,
    /// It is tried again at a later pass.
    Failed(SessionName, ArchiveError),
}

/// How many sessions are worked on at once, over all batches.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    any: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Room {
    pub(crate) fn new(concurrency: usize) -> Self {
        Self {
            any: Semaphore::new(concurrency.max(1)).into(),
            large: Semaphore::new((concurrency / 4).max(1)).into(),
        }
    }
}

/// Sessions that are archived together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    sessions: Vec<SessionName>,
    /// Between which times what arrived of them is.
    arrived: Option<(i64, i64)>,
}

/// A session that lasted longer is put with others like it: the hours of a batch are looked through for all of its sessions.
const LONG_NANOS: i64 = 48 * 3_600 * 1_000_000_000;

/// Parts due sessions into batches, of those that lie close together in time.
pub(crate) fn batches(mut due: Vec<DueSession>) -> Vec<Batch> {
    let is_long =
        |due: &DueSession| due.last_time_unix_nano.saturating_sub(due.first_time_unix_nano) > LONG_NANOS;
    due.sort_by_key(|due| (is_long(due), due.first_time_unix_nano));
    let mut batches: Vec<Batch> = Vec::new();
    let (mut bytes, mut of_long) = (usize::MAX, false);
    for due in due {
        let is_long = is_long(&due);
        let DueSession { tenant, session, first_time_unix_nano, last_time_unix_nano, .. } = due;
        let name_bytes = tenant.as_str().len() + session.len();
        let full = batches.last().is_none_or(|last| last.sessions.len() >= BATCH_SESSIONS);
        if full || of_long != is_long || bytes.saturating_add(name_bytes) > BATCH_NAME_BYTES {
            batches.push(Batch::default());
            (bytes, of_long) = (0, is_long);
        }
        bytes += name_bytes;
        if let Some(last) = batches.last_mut() {
            last.sessions.push(SessionName { tenant, session });
            let (first, end) = last.arrived.unwrap_or((first_time_unix_nano, last_time_unix_nano));
            last.arrived = Some((first.min(first_time_unix_nano), end.max(last_time_unix_nano)));
        }
    }
    batches
}

impl Archive {
    /// Archives the sessions of a batch that nobody else works on.
    pub(crate) async fn archive_batch(
        &self,
        batch: Batch,
        room: &Room,
        stop: &CancellationToken,
    ) -> Vec<Outcome> {
        let Batch { sessions: batch, arrived } = batch;
        let all = batch.clone();
        let length = self.config().lease.clamp(SHORTEST_LEASE, LONGEST_LEASE);
        let lease = match Lease::take(self.warehouse(), length, batch).await {
            Ok(lease) => lease,
            Err(error) => return failed(all, error),
        };
        let left = all.len() - lease.sessions().len();
        let mut outcomes: Vec<_> = std::iter::repeat_with(|| Outcome::Left).take(left).collect();
        tokio::select! {
            worked = self.work_on(&lease, arrived, room, stop) => outcomes.extend(worked),
            never = lease.keep() => match never {},
        }
        lease.give_up().await;
        outcomes
    }

    async fn work_on(
        &self,
        lease: &Lease,
        arrived: Option<(i64, i64)>,
        room: &Room,
        stop: &CancellationToken,
    ) -> Vec<Outcome> {
        let tasks = match job::tasks(self.warehouse(), lease.sessions(), arrived).await {
            Ok(tasks) => tasks,
            Err(error) => return failed(lease.sessions().to_vec(), error),
        };
        // Between the question what is due and the lease another archiver may have had the lease, and be done.
        let (done, tasks): (Vec<_>, Vec<_>) = tasks.into_iter().partition(Task::is_done);
        let (small, large): (Vec<_>, Vec<_>) =
            tasks.into_iter().partition(|task| task.stored.records() < FEW_ROWS);
        let goes_on = || ready(!stop.is_cancelled());
        let small = stream::iter(groups(small))
            .take_while(|_| goes_on())
            .then(|group| self.read_group(group))
            .flat_map(stream::iter)
            .take_while(|_| goes_on())
            .boxed();
        // Small ones first, and marked: a large one may take hours.
        let mut outcomes = self.write_and_mark(lease, room, small).await;
        let large = stream::iter(large)
            .take_while(|_| goes_on())
            .map(|task| self.write_and_mark(lease, room, stream::iter([(task, None)]).boxed()))
            .buffer_unordered(self.config().concurrency.max(1))
            .boxed()
            .collect::<Vec<_>>()
            .await;
        outcomes.extend(large.into_iter().flatten());
        outcomes.extend(done.iter().map(|_| Outcome::Left));
        outcomes
    }

    /// Writes sessions beside one another, and marks them together.
    async fn write_and_mark(
        &self,
        lease: &Lease,
        room: &Room,
        sessions: BoxStream<'_, (Task, Option<Vec<ArchiveLine>>)>,
    ) -> Vec<Outcome> {
        let finished: Vec<_> = sessions
            .map(|(task, lines)| async move {
                let name = task.name.clone();
                let verified = self.write_one(lease, room, &task, lines).await;
                (name, verified)
            })
            // What is read and waits is in memory, so it is no more than can be written at once.
            .buffer_unordered(self.config().concurrency.max(1))
            .boxed()
            .collect()
            .await;
        let (mut outcomes, mut verified, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (name, result) in finished {
            match result {
                Ok(one) => {
                    verified.push(one);
                    names.push(name);
                }
                Err(ArchiveError::LeaseLost { .. }) => outcomes.push(Outcome::Left),
                Err(error) => outcomes.push(Outcome::Failed(name, error)),
            }
        }
        if let Some(name) = names.first()
            && lease.check(&name.session).is_err()
        {
            outcomes.extend(names.iter().map(|_| Outcome::Left));
            return outcomes;
        }
        match job::mark(self.store(), self.warehouse(), verified).await {
            Ok(archived) => outcomes.extend(archived.into_iter().map(Outcome::Archived)),
            Err(error) => outcomes.extend(failed(names, error)),
        }
        outcomes
    }

    /// Reads a group of small sessions. Where that fails, each is read by itself, and fails by itself.
    async fn read_group(&self, group: Vec<Task>) -> Vec<(Task, Option<Vec<ArchiveLine>>)> {
        let names: Vec<_> = group.iter().map(|task| task.name.clone()).collect();
        let expected = group.iter().map(|task| task.stored.records()).sum();
        let hours = group.first().and_then(|task| task.hours);
        let lines = match rows_of(self.warehouse(), &names, hours, expected).await {
            Ok(lines) => lines,
            Err(error) => {
                tracing::debug!(%error, sessions = names.len(), "not read together; each is read by itself");
                vec![None; names.len()]
            }
        };
        group.into_iter().zip(lines).collect()
    }

    async fn write_one(
        &self,
        lease: &Lease,
        room: &Room,
        task: &Task,
        lines: Option<Vec<ArchiveLine>>,
    ) -> Result<Verified, ArchiveError> {
        // A closed semaphore cannot be: nobody closes it.
        let _large = match &lines {
            None => room.large.acquire().await.ok(),
            Some(_) => None,
        };
        let _any = room.any.acquire().await.ok();
        lease.check(&task.name.session)?;
        let uploaded = job::upload(self.store(), self.warehouse(), task, lines, Some(lease)).await?;
        job::verify_upload(self.store(), uploaded).await
    }
}

/// A shorter one would be over before a statement is back.
const SHORTEST_LEASE: Duration = Duration::from_secs(10);

/// A longer one would keep the sessions of an archiver that died for longer than anyone waits.
const LONGEST_LEASE: Duration = Duration::from_hours(24);

/// Parts small sessions into groups that one statement reads.
fn groups(tasks: Vec<Task>) -> Vec<Vec<Task>> {
    let mut groups: Vec<Vec<Task>> = Vec::new();
    let mut rows = u64::MAX;
    for task in tasks {
        let more = task.stored.records();
        if rows.saturating_add(more) > MAX_ROWS {
            groups.push(Vec::new());
            rows = 0;
        }
        rows += more;
        if let Some(last) = groups.last_mut() {
            last.push(task);
        }
    }
    groups
}

/// The same reason for all: it is told once in whole, since an error is not copied.
fn failed(names: Vec<SessionName>, error: ArchiveError) -> Vec<Outcome> {
    let error = Arc::new(error);
    let of = |name: SessionName| Outcome::Failed(name, ArchiveError::Batch(Arc::clone(&error)));
    names.into_iter().map(of).collect()
}
