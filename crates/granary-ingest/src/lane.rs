//! A lane: one thread that turns bodies into sealed blocks.
//!
//! The thread owns its open blocks, so nothing is locked on the way, and memory is freed where it was taken.
//! It begins a commit group with the first body that comes, takes what else comes until the commit interval is
//! over or a block is large enough, and hands the sealed group to the committer. While the committer is
//! busy with as many groups as it takes, the lane goes on filling the open one; when that is full, it stops
//! taking bodies, its queue fills, and the doors refuse.

use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use granary_clickhouse::{Envelope, LogColumns, MetricColumns, SealedBlock, SpanColumns, TableColumns};
use granary_model::{Signal, TenantId};
use granary_otlp::{Answer, Compression, Context, Encoding};
use granary_redact::Redactor;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use uuid::Uuid;

use crate::accept::{Accepted, Limits, accept};
use crate::accounting::Accounting;
use crate::commit::{Group, Waiter};
use crate::config::IngestConfig;
use crate::error::{RETRY_AFTER, Refusal};

/// A request's body and how to read it.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) encoding: Encoding,
    pub(crate) compression: Compression,
}

/// One request on its way to a lane.
pub(crate) struct Job {
    pub(crate) signal: Signal,
    pub(crate) tenant: TenantId,
    pub(crate) body: Body,
    pub(crate) answer: oneshot::Sender<Result<Answer, Refusal>>,
    /// The body's share of the bytes in flight; given back when the body is in the columns.
    pub(crate) in_flight: OwnedSemaphorePermit,
}

/// Bodies that wait for a lane. Their bytes are bounded by the doors; this bounds how many there are.
const QUEUE: usize = 1024;

/// The doors' end of the lanes.
#[derive(Clone)]
pub(crate) struct Lanes {
    queues: Vec<Sender<Job>>,
}

impl Lanes {
    /// Starts the threads. They end when every clone of the result is gone and their queues are empty; their
    /// committers end after them.
    pub(crate) fn start(
        config: &IngestConfig,
        redactor: &std::sync::Arc<Redactor>,
        accounting: &Accounting,
        groups: &mpsc::Sender<Group>,
    ) -> std::io::Result<Self> {
        let queues = (0..config.lanes.max(1))
            .map(|number| {
                let (sender, receiver) = bounded(QUEUE);
                let lane = Lane {
                    config: config.clone(),
                    redactor: std::sync::Arc::clone(redactor),
                    accounting: accounting.clone(),
                    groups: groups.clone(),
                    open: Open::default(),
                    scratch: Vec::new(),
                };
                std::thread::Builder::new()
                    .name(format!("lane-{number}"))
                    .spawn(move || lane.run(&receiver))?;
                Ok(sender)
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { queues })
    }

    /// Hands a request to the lane with the shortest queue.
    ///
    /// # Errors
    ///
    /// All queues are full, or the lanes have ended.
    pub(crate) fn submit(&self, job: Job) -> Result<(), Refusal> {
        let shortest = self.queues.iter().min_by_key(|queue| queue.len());
        match shortest.map(|queue| queue.try_send(job)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(Refusal::Overloaded { retry_after: RETRY_AFTER }),
            Some(Err(TrySendError::Disconnected(_))) | None => {
                Err(Refusal::Stopping { retry_after: RETRY_AFTER })
            }
        }
    }
}

/// The blocks being filled and who waits for them.
#[derive(Default)]
struct Open {
    logs: LogColumns,
    spans: SpanColumns,
    metrics: MetricColumns,
    waiters: Vec<Waiter>,
    batch: Uuid,
    since: Option<Instant>,
}

struct Lane {
    config: IngestConfig,
    redactor: std::sync::Arc<Redactor>,
    accounting: Accounting,
    groups: mpsc::Sender<Group>,
    open: Open,
    scratch: Vec<u8>,
}

impl Lane {
    fn run(mut self, queue: &Receiver<Job>) {
        loop {
            let received = match self.open.since {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => {
                    queue.recv_timeout(self.config.commit_interval.saturating_sub(since.elapsed()))
                }
            };
            match received {
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.seal_and_send();
                    return;
                }
            }
            if self.is_large() {
                self.seal_and_send();
            } else if self.open.since.is_some_and(|since| since.elapsed() >= self.config.commit_interval) {
                self.seal_if_room(queue);
            }
        }
    }

    fn take(&mut self, job: Job) {
        let Job { signal, tenant, body, answer, in_flight } = job;
        // The sender has gone: it will come again, so this copy is better left out.
        if answer.is_closed() {
            return;
        }
        if self.open.since.is_none() {
            self.open.batch = Uuid::now_v7();
        }
        let now = unix_now();
        let limits = Limits {
            max_decompressed: usize::try_from(self.config.max_decompressed.as_u64()).unwrap_or(usize::MAX),
            context: Context {
                received_unix_nano: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
                max_attributes: self.config.max_attributes,
            },
        };
        let envelope = Envelope {
            tenant: tenant.as_str(),
            ingested_at_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
            batch: self.open.batch,
        };
        let (redactor, open) = (&self.redactor, &mut self.open);
        let accepted = match signal {
            Signal::Logs => accept(body, limits, redactor, envelope, &mut open.logs),
            Signal::Traces => accept(body, limits, redactor, envelope, &mut open.spans),
            Signal::Metrics => accept(body, limits, redactor, envelope, &mut open.metrics),
        };
        drop(in_flight);
        match accepted {
            // A sender that has gone needs no answer.
            Err(refusal) => drop(answer.send(Err(refusal))),
            Ok(Accepted { records, rejected }) => {
                self.accounting.decoded(signal, records, &rejected);
                let success = Answer::new(signal, &rejected);
                if records == 0 {
                    drop(answer.send(Ok(success)));
                } else {
                    self.open.since.get_or_insert_with(Instant::now);
                    self.open.waiters.push(Waiter { signal, records, success, answer });
                }
            }
        }
    }

    fn is_large(&self) -> bool {
        let Open { logs, spans, metrics, .. } = &self.open;
        let MetricColumns { gauge, sum, histogram, exponential_histogram, summary } = metrics;
        let blocks: [&dyn Fn() -> usize; 7] = [
            &|| logs.size_bytes(),
            &|| spans.size_bytes(),
            &|| gauge.size_bytes(),
            &|| sum.size_bytes(),
            &|| histogram.size_bytes(),
            &|| exponential_histogram.size_bytes(),
            &|| summary.size_bytes(),
        ];
        let total: usize = blocks.iter().map(|size| size()).sum();
        total as u64 >= self.config.max_block.as_u64()
    }

    /// Seals unless the committer is busy; then the open group goes on growing, for one queued body more.
    fn seal_if_room(&mut self, queue: &Receiver<Job>) {
        if self.groups.capacity() > 0 || self.groups.is_closed() {
            self.seal_and_send();
        } else if queue.is_empty() {
            // Nothing to do until a body comes or the committer is free; look again in a moment.
            std::thread::sleep(BUSY_WAIT.min(self.config.commit_interval));
        }
    }

    fn seal_and_send(&mut self) {
        if self.open.since.take().is_none() {
            return;
        }
        let batch = self.open.batch;
        let mut blocks = Vec::new();
        let Open { logs, spans, metrics, .. } = &mut self.open;
        let MetricColumns { gauge, sum, histogram, exponential_histogram, summary } = metrics;
        let scratch = &mut self.scratch;
        seal(logs, batch, scratch, &mut blocks);
        seal(spans, batch, scratch, &mut blocks);
        seal(gauge, batch, scratch, &mut blocks);
        seal(sum, batch, scratch, &mut blocks);
        seal(histogram, batch, scratch, &mut blocks);
        seal(exponential_histogram, batch, scratch, &mut blocks);
        seal(summary, batch, scratch, &mut blocks);
        let group = Group { blocks, waiters: std::mem::take(&mut self.open.waiters) };
        // Waits while the committer is busy. Without a committer the waiters see their answer's sender go.
        drop(self.groups.blocking_send(group));
    }
}

/// How long a lane without work waits for a busy committer before it looks again.
const BUSY_WAIT: Duration = Duration::from_millis(2);

fn seal<C: TableColumns>(columns: &mut C, batch: Uuid, scratch: &mut Vec<u8>, blocks: &mut Vec<SealedBlock>) {
    if columns.rows() == 0 {
        return;
    }
    let mut frames = Vec::new();
    columns.seal(scratch, &mut frames);
    blocks.push(SealedBlock {
        table: C::TABLE,
        rows: columns.rows(),
        token: format!("{batch}/{}", C::TABLE),
        frames: frames.into(),
    });
    columns.clear();
}

fn unix_now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
