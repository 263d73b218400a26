//! Which bytes of a segment are records, and which are not?

use crate::checksum::{Salt, crc32c_from};
use crate::error::IoFailure;
use crate::header::{HEADER_BYTES, Header, Previous};
use crate::position::{Sequence, Sequences};
use crate::record::{FRAME_BYTES, FRAME_SIZE, Frame, MARKER};
use crate::window::Window;

/// How much is read at once when a whole segment is looked through.
pub(crate) const SCAN_WINDOW: usize = 256 * 1024;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Frames only: quick, and enough to list what is there.
    Frames,
    /// Frames and payloads: every byte is read and checked.
    Payloads,
}

/// A stretch of a segment with the seeds of its checksums.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) salt: Salt,
    /// Nothing at or after this offset belongs to it.
    pub(crate) limit: u64,
}

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentScan {
    pub(crate) records: u64,
    pub(crate) payload_bytes: u64,
    /// The first and the last record's sequence.
    pub(crate) span: Option<(Sequence, Sequence)>,
    /// Where its records end.
    pub(crate) end: u64,
    /// The sequence after its last record.
    pub(crate) next_sequence: Sequence,
    /// What is no record though records follow or the segment was longer.
    pub(crate) holes: Vec<Hole>,
}

/// Bytes that are no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The sequences that should have been there.
    pub(crate) missing: Sequences,
    /// Those before this sequence were on disk once.
    pub(crate) settled: Sequence,
}

/// Looks through a segment of `file_bytes`, up to where its successor says that it ends.
pub(crate) fn scan(
    window: &mut Window,
    header: &Header,
    file_bytes: u64,
    announced: Option<&Previous>,
    depth: Depth,
) -> Result<SegmentScan, IoFailure> {
    let limit = announced.map_or(file_bytes, |announced| announced.end.min(file_bytes));
    let stretch = Stretch { salt: header.salt, limit };
    // What the segment's own writer has said of it. Of a segment that was found after a crash its successor
    // knows no more.
    let closed = announced.filter(|announced| announced.is_closed);
    let mut settled = closed.map_or(header.first_sequence, |closed| closed.next_sequence);
    let mut found = SegmentScan {
        records: 0,
        payload_bytes: 0,
        span: None,
        end: HEADER_BYTES,
        next_sequence: header.first_sequence,
        holes: Vec::new(),
    };
    while let Some((at, frame)) = next_valid(window, stretch, found.end, found.next_sequence, depth)? {
        let missing = Sequences::new(found.next_sequence, frame.sequence);
        if at > found.end || !missing.is_empty() {
            found.holes.push(Hole { from: found.end, to: at, missing, settled });
        }
        found.records += 1;
        found.payload_bytes += u64::from(frame.length);
        found.span = Some((found.span.map_or(frame.sequence, |(first, _)| first), frame.sequence));
        found.end = at + frame.size();
        found.next_sequence = frame.sequence.saturating_add(1);
        settled = settled.max(frame.settled);
    }
    for hole in &mut found.holes {
        hole.settled = settled;
    }
    if let Some(Previous { end, next_sequence, .. }) = announced.copied()
        && (found.end < end || found.next_sequence < next_sequence)
    {
        // These were found, and synced, when the successor was made.
        let missing = Sequences::new(found.next_sequence, next_sequence);
        found.holes.push(Hole { from: found.end, to: end, missing, settled: next_sequence });
        found.end = end;
        found.next_sequence = next_sequence;
    }
    Ok(found)
}

/// The first valid record at or after `from`, of which no sequence before `expected` is possible.
pub(crate) fn next_valid(
    window: &mut Window,
    stretch: Stretch,
    from: u64,
    expected: Sequence,
    depth: Depth,
) -> Result<Option<(u64, Frame)>, IoFailure> {
    let mut at = from;
    loop {
        match frame_at(window, stretch, at)?.filter(|frame| is_possible(frame, expected, at - from)) {
            Some(frame) if depth == Depth::Frames || payload_is_intact(window, stretch, at, &frame)? => {
                return Ok(Some((at, frame)));
            }
            // The frame has its own checksum, so its length holds: what lies within is payload.
            Some(frame) => at += frame.size(),
            None => match next_marker(window, at + 1, stretch.limit)? {
                Some(marker) => at = marker,
                None => return Ok(None),
            },
        }
    }
}

/// The frame at `offset`, if there is one whose record ends within the stretch.
pub(crate) fn frame_at(
    window: &mut Window,
    stretch: Stretch,
    offset: u64,
) -> Result<Option<Frame>, IoFailure> {
    let frame = Frame::decode(window.peek(offset, FRAME_SIZE, stretch.limit)?, stretch.salt);
    Ok(frame.filter(|frame| offset.saturating_add(frame.size()) <= stretch.limit))
}

/// Whether a record can have this sequence when `skipped` bytes lie between it and where `expected` should
/// be.
fn is_possible(frame: &Frame, expected: Sequence, skipped: u64) -> bool {
    frame.sequence >= expected && frame.sequence.since(expected) <= skipped / FRAME_BYTES
}

fn payload_is_intact(
    window: &mut Window,
    stretch: Stretch,
    offset: u64,
    frame: &Frame,
) -> Result<bool, IoFailure> {
    let (from, to) = (offset + FRAME_BYTES, offset + frame.size());
    let (mut crc, mut at) = (stretch.salt.for_payloads(), from);
    window.each(from, to, |_, piece| {
        crc = crc32c_from(crc, piece);
        at += piece.len() as u64;
        Ok(())
    })?;
    Ok(at == to && crc == frame.payload_crc)
}

/// Where the next marker stands at or after `from`.
fn next_marker(window: &mut Window, from: u64, limit: u64) -> Result<Option<u64>, IoFailure> {
    let mut at = from;
    loop {
        let bytes = window.peek(at, window.size(), limit)?;
        if bytes.len() < FRAME_SIZE {
            return Ok(None);
        }
        match bytes.windows(MARKER.len()).position(|four| four == MARKER) {
            Some(found) => return Ok(Some(at + found as u64)),
            // A marker may begin in the last three bytes.
            None => at += (bytes.len() - (MARKER.len() - 1)) as u64,
        }
    }
}
