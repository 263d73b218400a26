//! Carries a session's events from where they are read to a client that takes them as it likes.
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

/// A session being read for a client.
pub(super) struct Playing {
    pub(super) replay: Replay,
    pub(super) stopping: CancellationToken,
    /// For how long a client may take nothing.
    pub(super) max_idle: Duration,
    /// Its place among those that read at the same time.
    pub(super) _place: OwnedSemaphorePermit,
    /// What is written down about it when it goes.
    pub(super) asked: Asked,
}

/// Counts an event that a client gets.
pub(super) fn note_given(asked: &mut Asked, event: &ReplayEvent) {
    asked.note(|entry| {
        entry.result_rows += 1;
        entry.result_bytes += event.json.len() as u64;
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
type Item = Result<Option<ReplayEvent>, CutOff>;

/// Begins to carry.
pub(super) fn carry(playing: Playing) -> Events {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(feed(playing, sender).in_current_span());
    Events(Some(receiver))
}

/// Reads until the end, or until nobody takes what is read.
async fn feed(mut playing: Playing, sender: mpsc::Sender<Item>) {
    loop {
        let item = tokio::select! {
            biased;
            () = sender.closed() => return,
            () = playing.stopping.cancelled() => Err(CutOff::Stopping),
            item = playing.replay.next() => item.map_err(CutOff::from),
        };
        match &item {
            Ok(Some(event)) => note_given(&mut playing.asked, event),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "a session was cut off");
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
                tracing::info!(idle = ?playing.max_idle, "a session was cut off: its client took nothing");
                return;
            }
        }
    }
}

/// What a client reads. Ends without an error only where the session does.
pub(super) struct Events(Option<mpsc::Receiver<Item>>);

impl Stream for Events {
    type Item = Result<ReplayEvent, CutOff>;

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
