//! How does a payload get onto disk? Append, then sync the group.

use std::io::IoSlice;
use std::sync::Arc;

use crate::error::{AppendError, IoFailure, SyncError};
use crate::header::{HEADER_BYTES, Header, Previous};
use crate::position::{Mark, Position, SegmentNumber, Sequence, Sequences};
use crate::record::{FRAME_BYTES, Frame};
use crate::segment::ActiveSegment;
use crate::state::{Segment, Shared};
use crate::survey::Next;

/// The one writer of a log. Dropping it syncs nothing.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    /// `None` before the first append and after a segment was closed. The next append makes the next one.
    active: Option<ActiveSegment>,
    /// What the next segment is to say of the one before it.
    previous: Option<Previous>,
    next_segment: SegmentNumber,
    next_sequence: Sequence,
    /// Where the last successful sync left the log.
    synced: Mark,
    /// Appended since then.
    unsynced: u64,
    /// A sync within the current group failed.
    failed: Option<SyncError>,
}

/// Where a record was put. It is not on disk before the next [`Writer::sync`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Which record it is.
    pub sequence: Sequence,
    /// Where it begins.
    pub position: Position,
    /// Behind it.
    pub after: Mark,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, next: Next) -> Self {
        let synced = shared.state().synced;
        Self {
            shared,
            active: None,
            previous: next.previous,
            next_segment: next.number,
            next_sequence: next.sequence,
            synced,
            unsynced: 0,
            failed: None,
        }
    }

    /// Appends a payload that comes in pieces. When it returns, the record is in the page cache: it outlives
    /// this process, but not the machine. Nobody reads it before [`Self::sync`].
    ///
    /// When the segment is full, the group so far is synced here, before the next segment is made.
    ///
    /// # Errors
    ///
    /// The payload is not in the log, and the log is as it was. Only [`AppendError::GroupFailed`] says more:
    /// payloads before it in this group are lost too, and nothing is taken until [`Self::sync`] has told
    /// which.
    pub fn append(&mut self, payload: &[IoSlice<'_>]) -> Result<Appended, AppendError> {
        if self.failed.is_some() {
            return Err(AppendError::GroupFailed);
        }
        let bytes = payload.iter().map(|piece| piece.len() as u64).sum();
        let limit = self.shared.config.max_record_bytes.as_u64();
        // The setting is at most what the field holds.
        let length = u32::try_from(bytes).ok().filter(|_| bytes <= limit);
        let length = length.ok_or(AppendError::TooLarge { bytes, limit })?;
        let sequence = self.next_sequence;
        let following = sequence.checked_next().ok_or(AppendError::Exhausted)?;

        let size = FRAME_BYTES + bytes;
        let fits = self.active.as_ref().is_some_and(|active| {
            active.end() == HEADER_BYTES || active.end() + size <= self.shared.config.segment_bytes.as_u64()
        });
        let needed = if fits { size } else { size + HEADER_BYTES };
        self.shared.state().check_room(needed, self.shared.config.max_total_bytes.as_u64())?;
        if !fits {
            self.close_segment();
            if self.failed.is_some() {
                return Err(AppendError::GroupFailed);
            }
        }
        let settled = self.synced.sequence;
        let active = self.active_segment()?;
        let header = *active.header();
        let position = Position::new(header.number, active.end());
        active.append(&Frame::new(length, sequence, settled, payload, header.salt), payload)?;
        let end = active.end();

        self.next_sequence = following;
        self.unsynced += 1;
        self.shared.state().set_bytes(header.number, end);
        Ok(Appended { sequence, position, after: Mark::new(Position::new(header.number, end), following) })
    }

    /// Makes everything appended so far durable. When it returns, it is on disk, and readers see it.
    ///
    /// # Errors
    ///
    /// The records in [`SyncError::failed`] are not known to be on disk, and no later call will make them so:
    /// refuse them. Everything else that was appended is on disk. The next append begins a new group.
    pub fn sync(&mut self) -> Result<Mark, SyncError> {
        if self.failed.is_none() && self.unsynced > 0 {
            self.sync_active();
        }
        match self.failed.take() {
            Some(failure) => Err(failure),
            None => Ok(self.synced),
        }
    }

    /// Syncs, and closes the segment, so that it can be deleted once it is confirmed and the next one exists.
    ///
    /// # Errors
    ///
    /// As for [`Self::sync`].
    pub fn rotate(&mut self) -> Result<Mark, SyncError> {
        let synced = self.sync()?;
        if self.active.as_ref().is_some_and(|active| active.end() > HEADER_BYTES) {
            self.close_segment();
        }
        Ok(synced)
    }

    /// Up to where everything is on disk.
    pub const fn synced(&self) -> Mark {
        self.synced
    }

    /// How many records the next [`Self::sync`] will make durable.
    pub const fn unsynced_records(&self) -> u64 {
        self.unsynced
    }

    /// Syncs the active segment and ends it, so that nothing is ever appended to it again. If that fails, the
    /// reason is in [`Self::failed`].
    fn close_segment(&mut self) {
        if self.unsynced > 0 {
            self.sync_active();
        }
        if let Some(active) = self.active.take() {
            self.previous = Some(Previous {
                number: active.header().number,
                end: active.end(),
                next_sequence: self.next_sequence,
                is_closed: true,
            });
        }
    }

    fn active_segment(&mut self) -> Result<&mut ActiveSegment, IoFailure> {
        let active = match self.active.take() {
            Some(active) => active,
            None => self.create_segment()?,
        };
        Ok(self.active.insert(active))
    }

    fn create_segment(&mut self) -> Result<ActiveSegment, IoFailure> {
        let Shared { fs, config, .. } = &*self.shared;
        let header = Header {
            number: self.next_segment,
            previous: self.previous,
            first_sequence: self.next_sequence,
            salt: crate::checksum::Salt(fs.salt()),
        };
        let active = ActiveSegment::create(&**fs, &config.dir, header)?;
        self.next_segment = header.number.next();
        let mut state = self.shared.state();
        state.segments.insert(header.number, Segment::empty(&header));
        state.used_bytes += HEADER_BYTES;
        Ok(active)
    }

    /// Syncs the active segment, or gives up its unsynced records and leaves the reason in [`Self::failed`].
    fn sync_active(&mut self) {
        let Some(mut active) = self.active.take() else { return };
        let number = active.header().number;
        self.unsynced = 0;
        match active.sync() {
            Ok(()) => {
                self.synced = Mark::new(Position::new(number, active.end()), self.next_sequence);
                let mut state = self.shared.state();
                state.synced = self.synced;
                if let Some(segment) = state.segments.get_mut(&number) {
                    segment.end = active.end();
                }
                self.active = Some(active);
            }
            Err(source) => {
                let durable = self.synced.position;
                let end = if durable.segment == number { durable.offset } else { HEADER_BYTES };
                let failed = Sequences::new(self.first_unsynced(&active), self.next_sequence);
                self.previous = Some(Previous { number, end, next_sequence: failed.first, is_closed: true });
                self.shared.state().set_bytes(number, active.abandon(end));
                self.failed = Some(SyncError { failed, source });
            }
        }
    }

    /// The first record of the group. The group is never in two segments.
    fn first_unsynced(&self, active: &ActiveSegment) -> Sequence {
        let is_first_group = self.synced.position.segment != active.header().number;
        if is_first_group { active.header().first_sequence } else { self.synced.sequence }
    }
}
