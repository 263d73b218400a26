//! From the log into ClickHouse, in rounds.
//!
//! 1. Wait until something is durable and the insert interval is over, or there is enough for one insert.
//! 2. Read a stretch of the log, and write into the checkpoint which one it is ([`crate::round`]).
//! 3. Send its inserts. What fails for a time is repeated without an end; an attempt whose answer did not come is
//!    [settled](crate::doubt) first. What ClickHouse refuses for good goes to the [quarantine](mod@crate::quarantine).
//! 4. Move the checkpoint behind the stretch, and delete segments that are confirmed and old enough.
//!
//! A round is all that is in memory: while ClickHouse is away the log grows, and nothing else does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use granary_clickhouse::{ClickHouseError, ServerLife, Warehouse};
use granary_wal::{Log, Mark, Reader, Sequence};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::accounting::{Accounting, End};
use crate::config::IngestConfig;
use crate::doubt::{self, Verdict};
use crate::durable::Durable;
use crate::lane::unix_now;
use crate::left_out::LeftOut;
use crate::metrics::Metrics;
use crate::pace::{Backoff, Pace};
use crate::quarantine::Quarantine;
use crate::round::{self, Bounds, Plan, Round, RoundError, Shipment};

/// What the checkpoint keeps besides the place.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The round under way.
    pub(crate) plan: Option<Plan>,
    /// When the server that took the last round was started.
    pub(crate) server_started_ms: Option<i64>,
}

impl Kept {
    /// What a checkpoint's blob says; nothing if a later version wrote it otherwise.
    pub(crate) fn read(blob: &[u8]) -> Self {
        serde_json::from_slice(blob).unwrap_or_default()
    }

    fn write(self) -> bytes::Bytes {
        serde_json::to_vec(&self).unwrap_or_default().into()
    }
}

/// Inserts of one round under way at once: tables wait for each other's merges, not for each other.
const CONCURRENT: usize = 4;

/// How long an insert may take at last.
const LONGEST_INSERT: Duration = Duration::from_mins(15);

/// Takes the log to ClickHouse.
pub(crate) struct Deliverer {
    pub(crate) config: IngestConfig,
    pub(crate) log: Log,
    pub(crate) warehouse: Warehouse,
    pub(crate) quarantine: Quarantine,
    pub(crate) accounting: Accounting,
    pub(crate) metrics: Metrics,
    /// What is on disk, and settled with the other receivers.
    pub(crate) durable: watch::Receiver<Durable>,
    pub(crate) left_out: LeftOut,
    /// Finish what is in the log if ClickHouse takes it, then end.
    pub(crate) drain: CancellationToken,
}

/// The deliverer was told to end, and ClickHouse does not take data: the rest stays in the log.
pub(crate) struct Ended;

/// How the inserts of a round go.
struct Progress {
    /// Where the round ends.
    after: Mark,
    stored: AtomicUsize,
    failed: AtomicUsize,
}

impl Deliverer {
    /// Runs until `drain`, from `resume` on, once the tables are ready.
    pub(crate) async fn run(mut self, resume: Mark, kept: Kept, tables_ready: CancellationToken) {
        tokio::select! {
            () = tables_ready.cancelled() => {}
            () = self.drain.cancelled() => return,
        }
        let mut position = Position::at(resume, &self.config);
        position.known_started_ms = kept.server_started_ms;
        if self.begin(&mut position, kept).await.is_err() {
            return;
        }
        loop {
            match self.next_round(&mut position).await {
                Ok(true) => {}
                // Drained, or it cannot be.
                Ok(false) | Err(Ended) => return,
            }
        }
    }

    /// Waits for the server, has it checked if it is another life of it, and finishes the round that was under
    /// way.
    async fn begin(&mut self, position: &mut Position, kept: Kept) -> Result<(), Ended> {
        self.meet_server(position).await?;
        let Some(plan) = kept.plan else { return Ok(()) };
        let bounds = Bounds::of_plan(plan.max_insert_rows);
        if let Some(round) = self.read(position, Sequence::new(plan.end), bounds).await? {
            tracing::info!(rows = round.rows(), "finishing the inserts that were under way");
            self.deliver(&round, plan.sent_ms, true, position).await?;
            self.confirm(&round, position).await?;
        }
        Ok(())
    }

    /// `Ok(false)` when everything is delivered and nothing more will come.
    async fn next_round(&mut self, position: &mut Position) -> Result<bool, Ended> {
        if !self.gather(position).await {
            return Ok(false);
        }
        let bounds = Bounds {
            shipment_rows: self.config.max_insert_rows,
            rows: position.pace.rows,
            bytes: self.config.max_insert_bytes,
            entries: position.pace.entries(),
        };
        let end = self.durable.borrow().end.sequence;
        if let Some(round) = self.read(position, end, bounds).await? {
            let sent_ms = unix_ms();
            position.is_behind = round.is_full;
            let plan = Plan {
                end: round.after.sequence.get(),
                sent_ms,
                max_insert_rows: self.config.max_insert_rows,
            };
            let kept = Kept { plan: Some(plan), server_started_ms: position.known_started_ms };
            self.checkpoint(position.mark, kept).await?;
            self.deliver(&round, sent_ms, false, position).await?;
            self.confirm(&round, position).await?;
        }
        if position.housekept.elapsed() >= self.config.housekeeping_interval {
            position.housekept = Instant::now();
            self.housekeep().await;
            // A server that was restarted between two rounds failed none of them.
            self.meet_server(position).await?;
        }
        Ok(true)
    }

    /// Waits for something to deliver, and then for more of it. `false` when nothing more will come.
    async fn gather(&mut self, position: &Position) -> bool {
        let behind = |durable: &Durable| durable.end.sequence > position.mark.sequence;
        let drain = self.drain.clone();
        let rows_before = self.durable.borrow().rows;
        let waiting_already = behind(&self.durable.borrow());
        if !waiting_already {
            let came = tokio::select! {
                changed = self.durable.wait_for(behind) => changed.is_ok(),
                () = drain.cancelled() => false,
                // Housekeeping goes on while nothing comes.
                () = sleep(self.config.housekeeping_interval) => return true,
            };
            if !came {
                return behind(&self.durable.borrow());
            }
        }
        // More waits than the last round took: there is nothing to gather.
        if position.is_behind {
            return true;
        }
        let enough = rows_before + self.config.max_insert_rows;
        tokio::select! {
            () = sleep(self.config.insert_interval) => {}
            // Without the log's thread nothing more will come.
            _ = self.durable.wait_for(|durable| durable.rows >= enough) => {}
            () = drain.cancelled() => {}
        }
        true
    }

    /// Reads off the runtime: the disk may be slow.
    pub(crate) async fn read(
        &self,
        position: &mut Position,
        end: Sequence,
        bounds: Bounds,
    ) -> Result<Option<Round>, Ended> {
        let mut backoff = Backoff::new();
        loop {
            let mut reader = position.reader.take().unwrap_or_else(|| self.log.read_from(position.mark));
            let left_out = self.left_out.clone();
            let read = tokio::task::spawn_blocking(move || {
                let round = round::read(&mut reader, end, bounds, &left_out);
                (reader, round)
            });
            match read.await {
                Ok((reader, Ok(round))) => {
                    position.reader = Some(reader);
                    for damage in round.iter().flat_map(|round| &round.damage) {
                        tracing::error!(%damage, "the write-ahead log has lost records; `granary wal verify` says more");
                    }
                    return Ok(round);
                }
                Ok((_, Err(RoundError::Entry { sequence, source }))) => {
                    tracing::error!(%sequence, %source, "a record of the write-ahead log cannot be read; nothing is delivered until it can");
                }
                Ok((_, Err(error))) => {
                    tracing::error!(%error, "the write-ahead log cannot be read; trying again");
                }
                Err(error) => {
                    tracing::error!(%error, "reading the write-ahead log was cut short; trying again");
                }
            }
            self.wait(&mut backoff).await?;
        }
    }

    async fn deliver(
        &self,
        round: &Round,
        sent_ms: i64,
        in_doubt: bool,
        position: &mut Position,
    ) -> Result<(), Ended> {
        let progress =
            &Progress { after: round.after, stored: AtomicUsize::new(0), failed: AtomicUsize::new(0) };
        // By number: a stream of references has a future whose lifetime the compiler cannot name.
        let mut sending = futures::stream::iter(0..round.shipments.len())
            .map(|at| async move {
                let shipment = &round.shipments[at];
                let end = self.ship(shipment, sent_ms, in_doubt, progress).await?;
                for (tenant, minute, rows) in &shipment.tenants {
                    self.accounting.ended(tenant, shipment.signal, *minute, *rows, end);
                }
                Ok(())
            })
            .buffer_unordered(CONCURRENT);
        let mut result = Ok(());
        while let Some(shipped) = sending.next().await {
            if shipped.is_err() {
                result = shipped;
            }
        }
        result?;
        for (tenant, signal, minute, rows) in &round.left_out {
            self.accounting.ended(tenant, *signal, *minute, *rows, End::Duplicate);
        }
        position.pace.ended(progress.failed.load(Ordering::Relaxed) == 0);
        if progress.failed.load(Ordering::Relaxed) > 0 {
            // Whatever it was, the server may be another one now.
            self.meet_server(position).await?;
        }
        Ok(())
    }

    /// Sends one insert until it is stored or refused for good.
    async fn ship(
        &self,
        shipment: &Shipment,
        sent_ms: i64,
        mut in_doubt: bool,
        progress: &Progress,
    ) -> Result<End, Ended> {
        let since = Instant::now();
        let mut backoff = Backoff::new();
        let mut patience = self.config.insert_timeout;
        loop {
            let error = match self.attempt(shipment, sent_ms, in_doubt, patience).await {
                Ok(()) => {
                    progress.stored.fetch_add(1, Ordering::Relaxed);
                    return Ok(End::Stored);
                }
                Err(error) => error,
            };
            progress.failed.fetch_add(1, Ordering::Relaxed);
            self.metrics.insert_failed(shipment.insert.table);
            let (table, rows, token) = (shipment.insert.table, shipment.insert.rows, &shipment.insert.token);
            let holds_others_up = progress.stored.load(Ordering::Relaxed) > 0
                || self.durable.borrow().end.sequence > progress.after.sequence;
            let is_stuck = self.is_stuck(&error, since, holds_others_up);
            if !error.is_transient() || is_stuck {
                tracing::error!(%error, table, rows, token, "ClickHouse refuses rows; they go to the quarantine, see `granary quarantine`");
                self.put_aside(shipment, &error.to_string(), is_stuck).await?;
                return Ok(End::Quarantined);
            }
            // What a busy server cannot do in the time, it cannot do in the same time again.
            if let ClickHouseError::TimedOut { .. } = error {
                patience = (patience * 2).min(LONGEST_INSERT);
            }
            // Only an answer of the server itself says that nothing of the insert is there, and not every one.
            in_doubt = true;
            if backoff.is_first() {
                tracing::warn!(%error, table, rows, token, "an insert failed; it is repeated until it is stored");
            } else {
                tracing::debug!(%error, table, rows, token, "an insert failed again");
            }
            self.wait(&mut backoff).await?;
        }
    }

    async fn attempt(
        &self,
        shipment: &Shipment,
        sent_ms: i64,
        in_doubt: bool,
        patience: Duration,
    ) -> Result<(), ClickHouseError> {
        let settled;
        let shipment = if in_doubt {
            match doubt::settle(&self.warehouse, shipment, sent_ms).await? {
                Verdict::Settled => return Ok(()),
                Verdict::Send(rest) => {
                    settled = rest;
                    &settled
                }
            }
        } else {
            shipment
        };
        let began = Instant::now();
        shipment.send(&self.warehouse, patience).await?;
        self.metrics.inserted(shipment.insert.table, shipment.insert.rows as u64, began.elapsed());
        Ok(())
    }

    async fn confirm(&self, round: &Round, position: &mut Position) -> Result<(), Ended> {
        let kept = Kept { plan: None, server_started_ms: position.known_started_ms };
        self.checkpoint(round.after, kept).await?;
        position.mark = round.after;
        // Room for new data is worth more than the window of the old.
        if self.is_crowded() {
            self.delete(Duration::ZERO).await;
        }
        Ok(())
    }

    async fn checkpoint(&self, mark: Mark, kept: Kept) -> Result<(), Ended> {
        let mut backoff = Backoff::new();
        loop {
            let log = self.log.clone();
            let advance = move || log.advance_checkpoint(mark, kept.write());
            match tokio::task::spawn_blocking(advance).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => tracing::error!(%error, "the checkpoint cannot be written; trying again"),
                Err(error) => tracing::error!(%error, "the checkpoint cannot be written; trying again"),
            }
            // A full disk is relieved by what is confirmed already.
            self.delete(Duration::ZERO).await;
            self.wait(&mut backoff).await?;
        }
    }

    async fn housekeep(&self) {
        let keep = if self.is_crowded() { Duration::ZERO } else { self.config.retention() };
        self.delete(keep).await;
        self.retry_put_aside().await;
    }

    /// Whether more than half of what the log may take is taken.
    fn is_crowded(&self) -> bool {
        let usage = self.log.usage();
        usage.used_bytes > usage.limit_bytes / 2
    }

    async fn delete(&self, keep_newer_than: Duration) {
        let log = self.log.clone();
        let deleted = tokio::task::spawn_blocking(move || log.delete_confirmed(keep_newer_than)).await;
        if let Ok(Err(error)) = deleted {
            tracing::warn!(%error, "confirmed segments cannot be deleted; trying again");
        }
    }

    /// Learns which life of the server this is. In another one than last time, what it confirmed lately is
    /// checked.
    async fn meet_server(&self, position: &mut Position) -> Result<(), Ended> {
        let mut backoff = Backoff::new();
        let life = loop {
            match self.warehouse.life().await {
                Ok(life) => break life,
                Err(error) => {
                    if backoff.is_first() {
                        tracing::warn!(%error, "the warehouse does not answer; events wait in the write-ahead log");
                    }
                    self.wait(&mut backoff).await?;
                }
            }
        };
        let Some(life) = life else { return Ok(()) };
        let before = position.known_started_ms.map(|started_ms| ServerLife { started_ms, ..life });
        if before.is_some_and(|before| !before.is_same_as(&life)) {
            self.recheck(life, position.mark).await?;
        }
        position.known_started_ms = Some(life.started_ms);
        Ok(())
    }

    /// Waits before a repetition. While draining nothing is repeated: the log keeps it.
    pub(crate) async fn wait(&self, backoff: &mut Backoff) -> Result<(), Ended> {
        tokio::select! {
            () = self.drain.cancelled() => Err(Ended),
            () = sleep(backoff.next()) => Ok(()),
        }
    }
}

/// Where the deliverer is.
pub(crate) struct Position {
    /// `None` while it is on another thread, or after that thread was cut short.
    pub(crate) reader: Option<Reader>,
    /// Everything before it is confirmed.
    pub(crate) mark: Mark,
    known_started_ms: Option<i64>,
    housekept: Instant,
    pace: Pace,
    /// The last round ended at a bound.
    is_behind: bool,
}

impl Position {
    pub(crate) fn at(mark: Mark, config: &IngestConfig) -> Self {
        Self {
            reader: None,
            mark,
            known_started_ms: None,
            housekept: Instant::now(),
            pace: Pace::new(config),
            is_behind: false,
        }
    }
}

pub(crate) fn unix_ms() -> i64 {
    i64::try_from(unix_now().as_millis()).unwrap_or(i64::MAX)
}
