//! A session being played: its events, each when it is due, with what a player has: pause, speed and seek.
//!
//! While nobody asks for the next event, nothing is read and nothing waits: beyond the event that is due next, one
//! page of rows or one chunk of an object has been read at most.

use futures::stream::{self, StreamExt as _};
use granary_model::{Signal, TenantId};

use super::pace::Pace;
use super::{ReplayCursor, ReplayEvent, ReplayOptions, Speed, flatten};
use crate::{Archive, ArchiveError, ArchiveLine, LineKind, LineStream, ReplayStream};

/// A session being played.
pub struct Replay {
    archive: Archive,
    tenant: TenantId,
    session: String,
    /// What is played ends here, and is of these signals.
    options: ReplayOptions,
    /// And begins here; a seek changes that.
    begins: Option<u64>,
    after: Option<ReplayCursor>,
    lines: LineStream,
    /// The place of the line that was read last.
    cursor: Option<ReplayCursor>,
    pace: Pace,
    /// Read, and waiting until it is due.
    next: Option<ReplayEvent>,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Replay {
    /// Begins to play; the first event is read, and due at once.
    pub(crate) async fn begin(
        archive: Archive,
        tenant: TenantId,
        session: String,
        options: ReplayOptions,
    ) -> Result<Self, ArchiveError> {
        let after = options.after;
        let begins = options.from.max(after.map(|cursor| cursor.time_unix_nano));
        let lines = archive.lines_from(&tenant, &session, begins).await?;
        let pace = Pace::new(options.speed, options.max_gap);
        let mut replay =
            Self { archive, tenant, session, options, begins, after, lines, cursor: None, pace, next: None };
        replay.next = replay.read().await?;
        Ok(replay)
    }

    /// Whether there is nothing to play: the session has no such events. Asked before the first one is taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    /// Waits until the next event is due; for as long as it takes while the replay is paused. `None` is the end.
    /// Whoever asks late is caught up with: what was due meanwhile comes at once, the rest on time.
    ///
    /// # Errors
    ///
    /// As [`Archive::read`]. After an error there is nothing more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing; the event comes the next time.
    pub async fn next(&mut self) -> Result<Option<ReplayEvent>, ArchiveError> {
        if self.next.is_none() {
            self.next = self.read().await?;
        }
        let Some(event) = &self.next else { return Ok(None) };
        let time = event.id.time_unix_nano;
        match self.pace.due(time) {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
        self.pace.given(time);
        Ok(self.next.take())
    }

    /// Waits from now on as this speed wants it; of a wait under way, the rest.
    pub fn set_speed(&mut self, speed: Speed) {
        self.pace.set_speed(speed, self.next.as_ref().map(|event| event.id.time_unix_nano));
    }

    /// How fast it is played.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.pace.speed()
    }

    /// Holds the replay; what is left of a wait is waited for afterwards.
    pub fn pause(&mut self) {
        self.pace.pause();
    }

    /// Goes on after a pause.
    pub fn resume(&mut self) {
        self.pace.resume();
    }

    /// Whether it is held.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.pace.is_paused()
    }

    /// Goes on at another time of the session, earlier or later, though not before [`ReplayOptions::from`]. The
    /// first event there is due at once.
    ///
    /// # Errors
    ///
    /// As [`Archive::read`]; the replay then stays where it is.
    pub async fn seek(&mut self, unix_nano: u64) -> Result<(), ArchiveError> {
        let from = self.options.from.unwrap_or_default().max(unix_nano);
        self.lines = self.archive.lines_from(&self.tenant, &self.session, Some(from)).await?;
        self.begins = Some(from);
        (self.after, self.cursor, self.next) = (None, None, None);
        self.pace.restart();
        Ok(())
    }

    /// The events as a stream, for whoever plays them through.
    pub fn into_stream(self) -> ReplayStream {
        stream::try_unfold(
            self,
            |mut replay| async move { Ok(replay.next().await?.map(|event| (event, replay))) },
        )
        .boxed()
    }

    async fn read(&mut self) -> Result<Option<ReplayEvent>, ArchiveError> {
        while let Some(line) = self.lines.next().await {
            let ArchiveLine { kind, json } = line?;
            let LineKind::Event(info) = kind else { continue };
            let cursor = ReplayCursor::following(self.cursor, info.time_unix_nano);
            self.cursor = Some(cursor);
            if self.options.to.is_some_and(|to| to <= info.time_unix_nano) {
                // Lines come in the order of time; what is left is let go of.
                self.lines = stream::empty().boxed();
                return Ok(None);
            }
            if self.takes(cursor, info.signal) {
                let event = flatten(cursor, info, &json);
                return event
                    .map(Some)
                    .map_err(|problem| ArchiveError::Row { session: self.session.clone(), problem });
            }
        }
        Ok(None)
    }

    fn takes(&self, cursor: ReplayCursor, signal: Signal) -> bool {
        let signals = &self.options.signals;
        self.begins.is_none_or(|time| time <= cursor.time_unix_nano)
            && self.after.is_none_or(|after| after < cursor)
            && (signals.is_empty() || signals.contains(&signal))
    }
}
