//! Carries events from where they are read to a client that takes them as it likes.
//!
//! A task of its own reads, and hands over one event at a time: a client that is slow slows the reading down, one
//! that goes away ends it, and one that takes nothing is noticed, which the connection alone would not do as long as
//! its peer is alive. Nothing is held for it any more then, even though its connection may still be open.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream;
use granary_archive::{ArchiveError, Replay, ReplayEvent};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tracing::Instrument;

use super::stay::{Over, Stay};
use crate::{Asked, Outcome};

/// Where events come from, one after the other.
pub(super) trait Source: Send + 'static {
    type Event: Send + Sync + 'static;

    /// The next event; `None` where there are no more.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Event>, ArchiveError>> + Send;

    /// Its bytes, if it is an event and no notice.
    fn bytes(event: &Self::Event) -> Option<u64>;
}

impl Source for Replay {
    type Event = ReplayEvent;

    async fn next(&mut self) -> Result<Option<ReplayEvent>, ArchiveError> {
        Replay::next(self).await
    }

    fn bytes(event: &ReplayEvent) -> Option<u64> {
        Some(event.json.len() as u64)
    }
}

/// Events being read for a client.
pub(super) struct Playing<S = Replay> {
    pub(super) replay: S,
    /// Until when it may be read for that client.
    pub(super) stay: Stay,
    /// For how long a client may take nothing.
    pub(super) max_idle: Duration,
    /// Its place among those that read at the same time, where the source does not hold one.
    pub(super) _place: Option<OwnedSemaphorePermit>,
    /// What is written down about it when it goes.
    pub(super) asked: Asked,
}

/// Counts an event that a client gets.
pub(super) fn note_given(asked: &mut Asked, bytes: Option<u64>) {
    let Some(bytes) = bytes else { return };
    asked.note(|entry| {
        entry.result_rows += 1;
        entry.result_bytes += bytes;
    });
}

/// Why the events ended before their end.
#[derive(Debug, thiserror::Error)]
pub(super) enum CutOff {
    #[error(transparent)]
    Over(#[from] Over),
    #[error("nothing was taken for too long")]
    Idle,
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl CutOff {
    /// Its name in the audit.
    fn reason(&self) -> &'static str {
        match self {
            Self::Over(over) => over.name(),
            Self::Idle => "idle",
            Self::Archive(_) => "archive",
        }
    }
}

/// How reading ended, for whoever takes what was read: `Ok` is that there are no more.
type Ending = Arc<Mutex<Option<Result<(), CutOff>>>>;

/// Begins to carry.
pub(super) fn carry<S: Source>(playing: Playing<S>) -> Events<S::Event> {
    let (sender, taken) = mpsc::channel(1);
    let ending = Ending::default();
    tokio::spawn(feed(playing, sender, Arc::clone(&ending)).in_current_span());
    Events { taken, ending, is_over: false }
}

/// Reads until the end, or until nobody takes what is read, or until they may not any more. By then whatever was held for
/// it is given back, even while its client takes nothing.
async fn feed<S: Source>(playing: Playing<S>, sender: mpsc::Sender<S::Event>, ending: Ending) {
    let Playing { mut replay, stay, max_idle, _place, mut asked } = playing;
    let mut over = pin!(stay.over());
    let ended = loop {
        let event = tokio::select! {
            biased;
            () = sender.closed() => return,
            over = &mut over => break Err(CutOff::Over(over)),
            event = replay.next() => match event {
                Ok(event) => event,
                Err(error) => break Err(CutOff::Archive(error)),
            },
        };
        let is_end = event.is_none();
        let sent = async {
            match event {
                Some(event) => {
                    note_given(&mut asked, S::bytes(&event));
                    sender.send(event).await.map_err(drop)
                }
                // Room is where the last event was taken.
                None => sender.reserve().await.map(drop).map_err(drop),
            }
        };
        tokio::select! {
            biased;
            sent = timeout(max_idle, sent) => match sent {
                Ok(Ok(())) if is_end => break Ok(()),
                Ok(Ok(())) => {}
                Ok(Err(())) => return,
                Err(_) => break Err(CutOff::Idle),
            },
            over = &mut over => break Err(CutOff::Over(over)),
        }
    };
    match &ended {
        Ok(()) => asked.ok(),
        // Its client went away as far as can be told, which is what is written down of it anyway.
        Err(CutOff::Idle) => {
            tracing::info!(idle = ?max_idle, "events were cut off: their client took nothing");
        }
        Err(error) => {
            match error {
                CutOff::Over(over) => tracing::info!(%over, "events end"),
                _ => tracing::warn!(%error, "events were cut off"),
            }
            asked.ended(Outcome::Failed, error.reason());
        }
    }
    // Before the sender goes, which is what tells that there is something to be read here.
    *ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
}

/// What a client reads. Ends without an error only where the session does.
pub(super) struct Events<E> {
    taken: mpsc::Receiver<E>,
    ending: Ending,
    is_over: bool,
}

impl<E> Stream for Events<E> {
    type Item = Result<E, CutOff>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(event) = ready!(self.taken.poll_recv(context)) {
            return Poll::Ready(Some(Ok(event)));
        }
        self.is_over = true;
        let ended = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Nothing was left only by a reader that broke down.
        Poll::Ready(ended.unwrap_or(Err(CutOff::Idle)).err().map(Err))
    }
}

#[cfg(test)]
mod tests;
