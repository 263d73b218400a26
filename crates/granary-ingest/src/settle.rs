//! Ahead of delivery, where there are other receivers: which events of the log are delivered from here.
//!
//! It follows what becomes durable, asks the others for it, and tells the deliverer up to where that is done. While ClickHouse is
//! away it goes on, so that receivers agree about a repetition while both still remember it, however late it is delivered.

use std::sync::Arc;
use std::time::Duration;

use granary_model::EventId;
use granary_wal::{Log, Mark, ReadError, Reader, Sequence};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::claims::Claims;
use crate::durable::Durable;
use crate::entry::Entry;
use crate::left_out::LeftOut;
use crate::metrics::Metrics;
use crate::pace::Backoff;
use crate::peers::Peers;

/// Events that are asked for together; one record of the log may have more.
const EVENTS: usize = 1 << 15;

/// Settles what is durable.
pub(crate) struct Settler {
    pub(crate) log: Log,
    pub(crate) durable: watch::Receiver<Durable>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) peers: Peers,
    pub(crate) left_out: LeftOut,
    pub(crate) metrics: Metrics,
    /// What the deliverer may take.
    pub(crate) settled: watch::Sender<Durable>,
    /// For how long events gather for one question: commits are many, and each question is a request to every receiver.
    pub(crate) gather: Duration,
}

/// Records of the log and their events.
struct Piece {
    records: Vec<(Sequence, Vec<EventId>)>,
    after: Mark,
}

impl Settler {
    /// Runs until the log's thread has ended and all of the log is settled.
    pub(crate) async fn run(mut self, from: Mark) {
        self.peers.find().await;
        let mut mark = from;
        let mut reader = None;
        loop {
            let durable = *self.durable.borrow_and_update();
            while mark.sequence < durable.end.sequence {
                let piece = self.read(&mut reader, mark, durable.end.sequence).await;
                // There is nothing more to read, whatever the log says of its end.
                if piece.after == mark {
                    break;
                }
                self.settle(&piece).await;
                mark = piece.after;
                self.settled.send_modify(|settled| settled.end = mark);
            }
            self.settled.send_modify(|settled| settled.rows = durable.rows);
            sleep(self.gather).await;
            // Without the log's thread nothing more will come.
            if self.durable.changed().await.is_err() {
                return;
            }
        }
    }

    /// Reads off the runtime, until the disk lets it.
    async fn read(&self, reader: &mut Option<Reader>, mark: Mark, end: Sequence) -> Piece {
        let mut backoff = Backoff::new();
        loop {
            let mut of_thread = reader.take().unwrap_or_else(|| self.log.read_from(mark));
            let read = tokio::task::spawn_blocking(move || {
                let piece = read(&mut of_thread, end);
                (of_thread, piece)
            });
            let error = match read.await {
                Ok((of_thread, Ok(piece))) => {
                    *reader = Some(of_thread);
                    return piece;
                }
                Ok((_, Err(error))) => error.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::error!(error, "the write-ahead log cannot be read; trying again");
            sleep(backoff.next()).await;
        }
    }

    async fn settle(&self, piece: &Piece) {
        let ids: Vec<EventId> = piece.records.iter().flat_map(|(_, ids)| ids).copied().collect();
        let asked = self.claims.ask(&ids);
        let denied = self.peers.ask(&asked).await;
        self.metrics.claimed(asked.len(), denied.len());
        let left_out = self.claims.settle(&ids, denied);
        if left_out.is_empty() {
            return;
        }
        let mut events = Vec::new();
        for (sequence, ids) in &piece.records {
            let known = self.left_out.of(*sequence).unwrap_or_default();
            let new = ids.iter().filter(|id| left_out.contains(id) && !known.contains(id));
            events.extend(new.map(|id| (*sequence, *id)));
        }
        let events = Arc::new(events);
        let mut backoff = Backoff::new();
        loop {
            let (kept, events, oldest) =
                (self.left_out.clone(), Arc::clone(&events), self.log.oldest().sequence);
            let added = tokio::task::spawn_blocking(move || kept.add(&events, oldest));
            match added.await.map_err(std::io::Error::other).flatten() {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%error, "it cannot be written down which events another receiver stores; trying again");
                }
            }
            sleep(backoff.next()).await;
        }
    }
}

fn read(reader: &mut Reader, end: Sequence) -> Result<Piece, ReadError> {
    let (mut records, mut events) = (Vec::new(), 0);
    while events < EVENTS && reader.mark().sequence < end {
        match reader.next_record() {
            Ok(Some(record)) => {
                // One that cannot be read is not delivered either, and the deliverer says so.
                let ids = Entry::read(record.payload).map(|entry| entry.events).unwrap_or_default();
                events += ids.len();
                records.push((record.sequence, ids));
            }
            Ok(None) => break,
            // The reader stands behind it, and the deliverer says so.
            Err(ReadError::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Piece { records, after: reader.mark() })
}
