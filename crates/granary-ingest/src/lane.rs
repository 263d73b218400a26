//! A lane: one thread that turns bodies into sealed blocks.
//!
//! The thread owns its open blocks, so nothing is locked on the way, and memory is freed where it was taken.
//! It begins a commit group with the first body that comes, takes what else comes until the commit interval is
//! over or there is enough, and hands the sealed group to the log's thread. While that is busy the lane goes on
//! filling the open group; when that is full it stops taking bodies, its queue fills, and the doors refuse.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use granary_clickhouse::{Envelope, LogColumns, MetricColumns, SpanColumns};
use granary_model::{AttributesBuilder, EventId, LogRecord, MetricPoint, Signal, Span, TenantId};
use granary_otlp::{Answer, Compression, Context, Encoding};
use granary_redact::Redactor;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use uuid::{NoContext, Timestamp, Uuid};

use crate::accept::{Accepted, Limits, Stage, accept};
use crate::accounting::{Accounting, Minute};
use crate::blocks::Blocks;
use crate::config::IngestConfig;
use crate::entry::Entry;
use crate::error::{RETRY_AFTER, Refusal};
use crate::group::{Group, Waiter};
use crate::partition::Believable;
use crate::window::{Ticket, Window};

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
    /// What the sender's key says; see [`crate::team`].
    pub(crate) team: Option<Arc<str>>,
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

/// What every lane has.
#[derive(Clone)]
pub(crate) struct Equipment {
    pub(crate) config: IngestConfig,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) accounting: Accounting,
    pub(crate) window: Arc<Window>,
    pub(crate) groups: Sender<Group>,
}

impl Lanes {
    /// Starts the threads. They end when every clone of the result is gone and their queues are empty; the log's
    /// thread ends after them.
    pub(crate) fn start(equipment: &Equipment) -> std::io::Result<Self> {
        let queues = (0..equipment.config.lanes())
            .map(|number| {
                let (sender, receiver) = bounded(QUEUE);
                let lane = Lane {
                    equipment: equipment.clone(),
                    open: Open::default(),
                    ticket: Ticket::first(number),
                    builder: AttributesBuilder::default(),
                    scratch: Vec::new(),
                    sealing: Vec::new(),
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
    logs: Blocks<LogColumns>,
    spans: Blocks<SpanColumns>,
    metrics: Blocks<MetricColumns>,
    events: Vec<EventId>,
    waiters: Vec<Waiter>,
    /// Of the group; made with the first body.
    batch: Uuid,
    /// In which the group's bodies came.
    minute: Option<Minute>,
    /// What the bodies had, decompressed.
    bytes: u64,
    /// What their rows take.
    expanded: u64,
    since: Option<Instant>,
}

impl Open {
    fn is_full(&self, config: &IngestConfig) -> bool {
        self.bytes >= config.max_block.as_u64() || self.expanded >= config.max_expanded()
    }
}

struct Lane {
    equipment: Equipment,
    open: Open,
    /// Of the open group.
    ticket: Ticket,
    builder: AttributesBuilder,
    scratch: Vec<u8>,
    /// Of its own: emptied by nobody but the sealing, its memory is not filled with zeros again.
    sealing: Vec<u8>,
}

impl Lane {
    fn run(mut self, queue: &Receiver<Job>) {
        let interval = self.equipment.config.commit_interval;
        loop {
            let received = match self.open.since {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => queue.recv_timeout(interval.saturating_sub(since.elapsed())),
            };
            match received {
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.seal_and_send();
                    return;
                }
            }
            if self.open.is_full(&self.equipment.config) {
                self.seal_and_send();
            } else if self.open.since.is_some_and(|since| since.elapsed() >= interval) {
                self.seal_if_room(queue);
            }
        }
    }

    fn take(&mut self, job: Job) {
        let Job { signal, tenant, team, body, answer, in_flight } = job;
        // The sender has gone: it will come again, so this copy is better left out.
        if answer.is_closed() {
            return;
        }
        let now = unix_now();
        let minute = Minute::of(now);
        // A batch never spans two minutes, so that what came in a minute can be counted by its batches, also after
        // a restart.
        if self.open.since.is_some() && self.open.minute != Some(minute) {
            self.seal_and_send();
        }
        let Equipment { config, redactor, accounting, window, .. } = &self.equipment;
        let open = &mut self.open;
        if open.since.is_none() {
            open.batch = Uuid::new_v7(Timestamp::from_unix(NoContext, now.as_secs(), now.subsec_nanos()));
            open.minute = Some(minute);
        }
        let received_unix_nano = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let stage = Stage {
            limits: Limits {
                max_decompressed: usize::try_from(config.max_decompressed.as_u64()).unwrap_or(usize::MAX),
                context: Context {
                    received_unix_nano,
                    max_attributes: config.max_attributes,
                    max_expanded: usize::try_from(config.max_expanded()).unwrap_or(usize::MAX),
                },
            },
            redactor,
            team: team.as_deref(),
            builder: &mut self.builder,
            window,
            ticket: self.ticket,
            times: Believable::around(received_unix_nano, config.max_event_age, config.max_event_ahead),
            envelope: Envelope {
                tenant: tenant.as_str(),
                ingested_at_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
                batch: open.batch,
            },
            events: &mut open.events,
            scratch: &mut self.scratch,
        };
        let accepted = match signal {
            Signal::Logs => accept::<LogRecord, _>(body, stage, &mut open.logs),
            Signal::Traces => accept::<Span, _>(body, stage, &mut open.spans),
            Signal::Metrics => accept::<MetricPoint, _>(body, stage, &mut open.metrics),
        };
        drop(in_flight);
        match accepted {
            // A sender that has gone needs no answer.
            Err(refusal) => drop(answer.send(Err(refusal))),
            Ok(Accepted { kept, duplicates, also, rejected, bytes, expanded }) => {
                accounting.decoded(tenant.as_str(), signal, minute, kept, duplicates, &rejected);
                let success = Answer::new(signal, &rejected);
                if kept + duplicates == 0 {
                    drop(answer.send(Ok(success)));
                } else {
                    open.bytes += bytes;
                    open.expanded += expanded;
                    open.since.get_or_insert_with(Instant::now);
                    open.waiters.push(Waiter { tenant, signal, minute, kept, also, success, answer });
                }
            }
        }
    }

    /// Seals unless the log's thread is busy; then the open group goes on growing, for one queued body more.
    fn seal_if_room(&mut self, queue: &Receiver<Job>) {
        if !self.equipment.groups.is_full() {
            self.seal_and_send();
        } else if queue.is_empty() {
            // Nothing to do until a body comes or the log is free; look again in a moment.
            std::thread::sleep(BUSY_WAIT.min(self.equipment.config.commit_interval));
        }
    }

    fn seal_and_send(&mut self) {
        if self.open.since.take().is_none() {
            return;
        }
        let Open { logs, spans, metrics, events, waiters, batch, bytes, expanded, .. } = &mut self.open;
        (*bytes, *expanded) = (0, 0);
        let mut blocks = Vec::new();
        logs.seal(&mut self.sealing, &mut blocks);
        spans.seal(&mut self.sealing, &mut blocks);
        metrics.seal(&mut self.sealing, &mut blocks);
        let entry =
            (!blocks.is_empty()).then(|| Entry { batch: *batch, events: std::mem::take(events), blocks });
        let group = Group { ticket: self.ticket, entry, waiters: std::mem::take(waiters) };
        self.ticket = self.ticket.next();
        // Waits while the log is busy. Without its thread the waiters see their answer's sender go.
        drop(self.equipment.groups.send(group));
    }
}

/// How long a lane without work waits for a busy log before it looks again.
const BUSY_WAIT: Duration = Duration::from_millis(1);

pub(crate) fn unix_now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
