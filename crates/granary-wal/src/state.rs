//! What writer, readers and housekeeping know in common.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::checkpoint::Checkpoint;
use crate::checksum::Salt;
use crate::config::Config;
use crate::error::AppendError;
use crate::fs::{FileSystem, HeldLock};
use crate::header::{HEADER_BYTES, Header};
use crate::position::{Mark, Position, SegmentNumber, Sequence, Sequences};
use crate::scan::{Hole, SegmentScan};

/// An open log.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) fs: Arc<dyn FileSystem>,
    pub(crate) config: Config,
    state: Mutex<State>,
    /// Held while the checkpoint is written or segments are deleted, which takes syncs; `state` never is.
    housekeeping: Mutex<Housekeeping>,
    _lock: Box<dyn HeldLock>,
}

/// What whoever writes the checkpoint or deletes has to know.
#[derive(Debug, Default)]
pub(crate) struct Housekeeping {
    /// The removal of a segment may not be on disk.
    pub(crate) removal_is_unsynced: bool,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) segments: BTreeMap<SegmentNumber, Segment>,
    /// What the segments take, as far as appends count.
    pub(crate) used_bytes: u64,
    /// Everything before it is on disk.
    pub(crate) synced: Mark,
    pub(crate) checkpoint: Option<Checkpoint>,
}

/// A segment, as readers and housekeeping see it.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) salt: Salt,
    pub(crate) first_sequence: Sequence,
    /// Every record of earlier segments is before this sequence.
    pub(crate) follows: Sequence,
    /// Up to where it may be read: what is on disk and is not torn.
    pub(crate) end: u64,
    /// What its file takes.
    pub(crate) bytes: u64,
    /// Damage that is known since opening.
    pub(crate) holes: Vec<Hole>,
    /// Since when all of it is confirmed, as far as this process knows.
    pub(crate) confirmed: Option<Instant>,
}

/// What a reader finds at its mark.
#[derive(Debug)]
pub(crate) enum Place {
    /// A record, unless it is damaged.
    Record { salt: Salt, end: u64 },
    /// Nothing; to be continued there.
    Elsewhere(Mark),
    /// Nothing yet.
    End,
    /// Nothing any more; there is something from here on.
    Deleted { oldest: Mark },
}

impl Shared {
    pub(crate) fn new(
        fs: Arc<dyn FileSystem>,
        config: Config,
        state: State,
        lock: Box<dyn HeldLock>,
    ) -> Self {
        Self { fs, config, state: Mutex::new(state), housekeeping: Mutex::default(), _lock: lock }
    }

    /// The state; never held across a file operation.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to write the checkpoint or delete.
    pub(crate) fn housekeeping(&self) -> MutexGuard<'_, Housekeeping> {
        self.housekeeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn path(&self, segment: SegmentNumber) -> PathBuf {
        self.config.dir.join(segment.file_name())
    }
}

impl Segment {
    /// A segment that was just made.
    pub(crate) fn empty(header: &Header) -> Self {
        Self {
            salt: header.salt,
            first_sequence: header.first_sequence,
            follows: header.follows(),
            end: HEADER_BYTES,
            bytes: HEADER_BYTES,
            holes: Vec::new(),
            confirmed: None,
        }
    }

    /// A segment that was found at opening.
    pub(crate) fn found(header: &Header, scan: &SegmentScan, bytes: u64) -> Self {
        Self { end: scan.end, bytes, holes: scan.holes.clone(), ..Self::empty(header) }
    }

    /// A segment without a readable header: one hole, until it is deleted.
    pub(crate) fn unreadable(bytes: u64, follows: Sequence) -> Self {
        Self {
            salt: Salt(0),
            first_sequence: follows,
            follows,
            end: bytes,
            bytes,
            holes: vec![Hole {
                from: 0,
                to: bytes,
                missing: Sequences::new(follows, follows),
                settled: follows,
            }],
            confirmed: None,
        }
    }

    const fn has_records(&self) -> bool {
        self.end > HEADER_BYTES
    }
}

impl State {
    /// Whether `needed` more bytes may be used.
    pub(crate) fn check_room(&self, needed: u64, limit: u64) -> Result<(), AppendError> {
        let used = self.used_bytes;
        if used.saturating_add(needed) > limit {
            Err(AppendError::Full { needed, used, limit })
        } else {
            Ok(())
        }
    }

    /// Takes note that a segment's file now has this size.
    pub(crate) fn set_bytes(&mut self, number: SegmentNumber, bytes: u64) {
        if let Some(segment) = self.segments.get_mut(&number) {
            self.used_bytes = self.used_bytes - segment.bytes + bytes;
            segment.bytes = bytes;
        }
    }

    /// Where the oldest record is, or the next will be if there is none.
    pub(crate) fn oldest(&self) -> Mark {
        let first = self.segments.iter().find(|(_, segment)| segment.has_records());
        first.map_or(self.synced, |(number, segment)| start(*number, segment))
    }

    /// What records on disk behind the checkpoint take; all of them where there is none.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        let from = self.checkpoint.as_ref().map_or(self.oldest(), |checkpoint| checkpoint.mark).position;
        let waiting = |(number, segment): (&SegmentNumber, &Segment)| {
            let start = if *number == from.segment { from.offset } else { HEADER_BYTES };
            segment.end.saturating_sub(start)
        };
        self.segments.range(from.segment..).map(waiting).sum()
    }

    /// What is at `mark`.
    pub(crate) fn place(&self, mark: Mark) -> Place {
        let Mark { position: Position { segment: number, offset }, sequence } = mark;
        let here = self.segments.get(&number);
        if let Some(segment) = here.filter(|segment| offset < segment.end) {
            if offset < HEADER_BYTES {
                return Place::Elsewhere(start(number, segment));
            }
            return match segment.holes.iter().find(|hole| hole.from <= offset && offset < hole.to) {
                Some(hole) => Place::Elsewhere(Mark::new(Position::new(number, hole.to), hole.missing.end)),
                None => Place::Record { salt: segment.salt, end: segment.end },
            };
        }
        let mut later = self.segments.range((Bound::Excluded(number), Bound::Unbounded)).peekable();
        // A mark at the end of a segment stays good when that segment is deleted.
        let is_before_all = self.segments.first_key_value().is_some_and(|(oldest, _)| number < *oldest);
        let skips = later.peek().is_some_and(|(_, segment)| sequence < segment.follows);
        match later.find(|(_, segment)| segment.has_records()) {
            _ if is_before_all && skips => Place::Deleted { oldest: self.oldest() },
            None => Place::End,
            Some((next, segment)) => Place::Elsewhere(start(*next, segment)),
        }
    }

    /// Takes note of when segments became confirmed as a whole. The newest one never is: it carries the
    /// numbering on.
    pub(crate) fn note_confirmed(&mut self, now: Instant) {
        let (Some(checkpoint), Some((newest, _))) = (&self.checkpoint, self.segments.last_key_value()) else {
            return;
        };
        let (confirmed, newest) = (checkpoint.mark.position, *newest);
        for (number, segment) in self.segments.range_mut(..newest) {
            let is_below = (*number, segment.end) <= (confirmed.segment, confirmed.offset);
            if is_below && segment.confirmed.is_none() {
                segment.confirmed = Some(now);
            }
        }
    }
}

/// Before the first record of a segment.
fn start(number: SegmentNumber, segment: &Segment) -> Mark {
    Mark::new(Position::new(number, HEADER_BYTES), segment.first_sequence)
}
