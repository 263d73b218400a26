//! Carries events from where they are read to a client that takes them as it likes.
//!
//! A task of its own reads, and hands over one event at a time: a client that is slow slows the reading down, one
//! that goes away ends it, and one that takes nothing is noticed, which the connection alone would not do as long as
//! its peer is alive. Nothing is held for it any more then, even though its connection may still be open.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream;
use granary_archive::{ArchiveError, Replay, ReplayEvent};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

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
    pub(super) stopping: CancellationToken,
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
    #[error("the gateway is stopping")]
    Stopping,
    #[error("nothing was taken for too long")]
    Idle,
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl CutOff {
    /// Its name in the audit.
    fn reason(&self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Idle => "idle",
            Self::Archive(_) => "archive",
        }
    }
}

/// An event, or that there are no more.
type Item<E> = Result<Option<E>, CutOff>;

/// Begins to carry.
pub(super) fn carry<S: Source>(playing: Playing<S>) -> Events<S::Event> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(feed(playing, sender).in_current_span());
    Events(Some(receiver))
}

/// Reads until the end, or until nobody takes what is read.
async fn feed<S: Source>(mut playing: Playing<S>, sender: mpsc::Sender<Item<S::Event>>) {
    loop {
        let item = tokio::select! {
            biased;
            () = sender.closed() => return,
            () = playing.stopping.cancelled() => Err(CutOff::Stopping),
            item = playing.replay.next() => item.map_err(CutOff::from),
        };
        match &item {
            Ok(Some(event)) => note_given(&mut playing.asked, S::bytes(event)),
            Ok(None) => {}
            Err(error) => {
                match error {
                    CutOff::Stopping => tracing::info!("events end as the gateway stops"),
                    _ => tracing::warn!(%error, "events were cut off"),
                }
                playing.asked.ended(Outcome::Failed, error.reason());
            }
        }
        let (is_end, is_last) = (matches!(item, Ok(None)), !matches!(item, Ok(Some(_))));
        match timeout(playing.max_idle, sender.send(item)).await {
            Ok(Ok(())) if !is_last => {}
            Ok(sent) => {
                if is_end && sent.is_ok() {
                    playing.asked.ok();
                }
                return;
            }
            Err(_) => {
                tracing::info!(idle = ?playing.max_idle, "events were cut off: their client took nothing");
                return;
            }
        }
    }
}

/// What a client reads. Ends without an error only where the session does.
pub(super) struct Events<E>(Option<mpsc::Receiver<Item<E>>>);

impl<E> Stream for Events<E> {
    type Item = Result<E, CutOff>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(items) = &mut self.0 else { return Poll::Ready(None) };
        let last = match ready!(items.poll_recv(context)) {
            Some(Ok(Some(event))) => return Poll::Ready(Some(Ok(event))),
            Some(Ok(None)) => None,
            Some(Err(cut_off)) => Some(Err(cut_off)),
            // Whoever read has given up, and could not say so.
            None => Some(Err(CutOff::Idle)),
        };
        self.0 = None;
        Poll::Ready(last)
    }
}
