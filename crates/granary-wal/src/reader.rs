//! What comes next? Records from a mark on, to the end of what is on disk, and further when more is.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::checksum::crc32c_from;
use crate::error::{IoFailure, ReadError};
use crate::position::{Mark, Position, SegmentNumber, Sequence, Sequences};
use crate::problem::{Damage, Missing};
use crate::record::{FRAME_BYTES, Frame};
use crate::scan::{Depth, Stretch, frame_at, next_valid};
use crate::state::{Place, Shared};
use crate::window::Window;

/// How much is read at once. Payloads of this size and more are read straight into their own memory.
const READ_WINDOW: usize = 64 * 1024;

/// A record that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which record it is.
    pub sequence: Sequence,
    /// Where it begins.
    pub position: Position,
    /// Behind it: the checkpoint once it is confirmed with all before it.
    pub after: Mark,
    /// What was appended.
    pub payload: Bytes,
}

/// Reads records one after the other. Any number of readers may be at work beside the writer.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    mark: Mark,
    open: Option<(SegmentNumber, Window)>,
}

impl Reader {
    pub(crate) const fn new(shared: Arc<Shared>, mark: Mark) -> Self {
        Self { shared, mark, open: None }
    }

    /// Where it stands: a reader made for this mark goes on as this one would.
    pub const fn mark(&self) -> Mark {
        self.mark
    }

    /// The next record; `None` at the end of what is on disk, and a record again once there is more.
    ///
    /// # Errors
    ///
    /// After [`ReadError::Damaged`] the reader stands behind the damage; after any other error it has not
    /// moved.
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let place = self.shared.state().place(self.mark);
            match place {
                Place::Record { salt, end } => return self.read(Stretch { salt, limit: end }).map(Some),
                Place::Elsewhere(mark) => self.mark = mark,
                Place::End => return Ok(None),
                Place::Deleted { oldest } => {
                    return Err(ReadError::Deleted { position: self.mark.position, oldest });
                }
            }
        }
    }

    /// The record at the mark, and nothing else.
    pub(crate) fn record_here(&mut self) -> Result<Record, ReadError> {
        let position = self.mark.position;
        let place = self.shared.state().place(self.mark);
        match place {
            Place::Record { salt, end } => {
                let stretch = Stretch { salt, limit: end };
                let record = match frame_at(self.window()?, stretch, position.offset)? {
                    Some(frame) => self.payload(stretch, &frame)?,
                    None => None,
                };
                record.ok_or(ReadError::NoRecord { position })
            }
            Place::Elsewhere(_) | Place::End => Err(ReadError::NoRecord { position }),
            Place::Deleted { oldest } => Err(ReadError::Deleted { position, oldest }),
        }
    }

    fn read(&mut self, stretch: Stretch) -> Result<Record, ReadError> {
        let Mark { position, sequence: expected } = self.mark;
        let frame = frame_at(self.window()?, stretch, position.offset)?;
        if let Some(frame) = frame.filter(|frame| frame.sequence == expected)
            && let Some(record) = self.payload(stretch, &frame)?
        {
            self.mark = record.after;
            return Ok(record);
        }
        Err(ReadError::Damaged(self.step_over(stretch)?))
    }

    /// The record with this frame at the mark, unless its payload is damaged.
    fn payload(&mut self, stretch: Stretch, frame: &Frame) -> Result<Option<Record>, ReadError> {
        let Position { segment, offset } = self.mark.position;
        let payload = self.window()?.copy(offset + FRAME_BYTES, frame.length as usize)?;
        if payload.len() != frame.length as usize
            || crc32c_from(stretch.salt.for_payloads(), &payload) != frame.payload_crc
        {
            return Ok(None);
        }
        let after =
            Mark::new(Position::new(segment, offset + frame.size()), frame.sequence.saturating_add(1));
        Ok(Some(Record { sequence: frame.sequence, position: self.mark.position, after, payload }))
    }

    /// Moves behind damage that was not there when the log was opened.
    fn step_over(&mut self, stretch: Stretch) -> Result<Damage, ReadError> {
        let Mark { position: Position { segment, offset: from }, sequence: expected } = self.mark;
        let found = next_valid(self.window()?, stretch, from, expected, Depth::Payloads)?;
        let state = self.shared.state();
        let (to, next) = match found {
            Some((at, frame)) => (at, frame.sequence),
            None => {
                let later = state.segments.range(segment.next()..).next();
                (stretch.limit, later.map_or(state.synced.sequence, |(_, segment)| segment.follows))
            }
        };
        let confirmed = state.checkpoint.as_ref().map(|checkpoint| checkpoint.mark.sequence);
        drop(state);
        self.mark = Mark::new(Position::new(segment, to), next);
        // Readers see only what is on disk, so what is missing here was there.
        let missing = Missing::divide(Sequences::new(expected, next), confirmed, next);
        Ok(Damage { segment, from, to, missing })
    }

    /// The file of the segment at the mark.
    fn window(&mut self) -> Result<&mut Window, ReadError> {
        let number = self.mark.position.segment;
        let window = match self.open.take() {
            Some((open, window)) if open == number => window,
            _ => {
                let path = self.shared.path(number);
                match self.shared.fs.open(&path) {
                    Ok(file) => Window::new(file, &path, READ_WINDOW),
                    // Deleted since its place was looked up.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        let oldest = self.shared.state().oldest();
                        return Err(ReadError::Deleted { position: self.mark.position, oldest });
                    }
                    Err(error) => return Err(IoFailure::at("opening", &path)(error).into()),
                }
            }
        };
        Ok(&mut self.open.insert((number, window)).1)
    }
}
