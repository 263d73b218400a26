//! The first page of a segment: encode and check.

use crate::checksum::{Salt, crc32c_from};
use crate::little_endian::{u32_at, u64_at};
use crate::position::{SegmentNumber, Sequence};

/// Where the records of a segment begin.
pub(crate) const HEADER_BYTES: u64 = 4096;

/// [`HEADER_BYTES`], for slices.
pub(crate) const HEADER_SIZE: usize = 4096;

/// The version this program writes and reads.
pub(crate) const VERSION: u8 = 1;

const MAGIC: &[u8; 7] = b"GRNYWAL";

/// The length of one copy, checksum included. The same in every version, or an older program could not say
/// "newer".
const COPY_SIZE: usize = 64;

/// Where the copies stand: in different sectors.
const COPIES: [usize; 2] = [0, HEADER_SIZE / 2];

/// What a segment says of itself and of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Its own number.
    pub(crate) number: SegmentNumber,
    /// What it follows.
    pub(crate) previous: Option<Previous>,
    /// The sequence of its first record.
    pub(crate) first_sequence: Sequence,
    /// Where its checksums start.
    pub(crate) salt: Salt,
}

/// How the segment before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Previous {
    /// Which one that is.
    pub(crate) number: SegmentNumber,
    /// Where its records end; bytes behind it were given up.
    pub(crate) end: u64,
    /// The sequence after its last record.
    pub(crate) next_sequence: Sequence,
    /// Whether its own writer ended it, after a sync of all of it. Otherwise it was found after a crash, and
    /// what was missing in it then may never have been on disk.
    pub(crate) is_closed: bool,
}

/// What the first page of a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderPage {
    /// A header; `damaged_copy` if the other copy is not readable.
    Intact { header: Header, damaged_copy: bool },
    /// An intact header of a version that is not known here.
    UnknownVersion(u8),
    /// Neither copy is readable.
    Unreadable,
}

impl Header {
    /// Every record of earlier segments is before this sequence, and was on disk when the segment was made.
    pub(crate) fn follows(&self) -> Sequence {
        self.previous.map_or(self.first_sequence, |previous| previous.next_sequence)
    }

    /// The bytes of the page.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut copy = [0; COPY_SIZE];
        copy[0..7].copy_from_slice(MAGIC);
        copy[7] = VERSION;
        copy[8..16].copy_from_slice(&self.number.get().to_le_bytes());
        if let Some(previous) = self.previous {
            copy[16..24].copy_from_slice(&previous.number.get().to_le_bytes());
            copy[24..32].copy_from_slice(&previous.end.to_le_bytes());
            copy[56] = previous.is_closed.into();
        }
        copy[32..40].copy_from_slice(&self.follows().get().to_le_bytes());
        copy[40..48].copy_from_slice(&self.first_sequence.get().to_le_bytes());
        copy[48..56].copy_from_slice(&self.salt.0.to_le_bytes());
        let crc = crc32c_from(0, &copy[..60]);
        copy[60..64].copy_from_slice(&crc.to_le_bytes());

        let mut page = vec![0; HEADER_SIZE];
        for at in COPIES {
            page[at..at + COPY_SIZE].copy_from_slice(&copy);
        }
        page
    }
}

impl HeaderPage {
    /// Reads the page of the segment that is named `number`. A header with another number is of no use.
    pub(crate) fn decode(page: &[u8], number: SegmentNumber) -> Self {
        let mut readable = COPIES.iter().filter_map(|at| checked_copy(page, *at));
        let Some(copy) = readable.next() else { return Self::Unreadable };
        let damaged_copy = readable.next().is_none();
        if copy[7] != VERSION {
            return Self::UnknownVersion(copy[7]);
        }
        let header = Header {
            number: SegmentNumber::new(u64_at(copy, 8)),
            previous: match u64_at(copy, 16) {
                0 => None,
                previous => Some(Previous {
                    number: SegmentNumber::new(previous),
                    end: u64_at(copy, 24),
                    next_sequence: Sequence::new(u64_at(copy, 32)),
                    is_closed: copy[56] == 1,
                }),
            },
            first_sequence: Sequence::new(u64_at(copy, 40)),
            salt: Salt(u64_at(copy, 48)),
        };
        if header.number == number { Self::Intact { header, damaged_copy } } else { Self::Unreadable }
    }
}

/// The copy at `at`, if its magic and checksum are right.
fn checked_copy(page: &[u8], at: usize) -> Option<&[u8]> {
    let copy = page.get(at..at + COPY_SIZE)?;
    (&copy[0..7] == MAGIC && crc32c_from(0, &copy[..60]) == u32_at(copy, 60)).then_some(copy)
}
