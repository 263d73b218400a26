//! The frame of a record: encode and check.

use std::io::IoSlice;

use crate::checksum::{Salt, crc32c_from};
use crate::little_endian::{u32_at, u64_at};
use crate::position::Sequence;

/// The size of a frame.
pub(crate) const FRAME_BYTES: u64 = 32;

/// [`FRAME_BYTES`], for slices.
pub(crate) const FRAME_SIZE: usize = 32;

/// What a frame begins with. The first byte is rare in text and no valid start of a UTF-8 character.
pub(crate) const MARKER: [u8; 4] = [0xa7, b'G', b'R', b'1'];

/// What stands before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The length of the payload.
    pub(crate) length: u32,
    /// The record's number.
    pub(crate) sequence: Sequence,
    /// Every record before this one was on disk when this frame was written.
    pub(crate) settled: Sequence,
    /// The checksum of the payload.
    pub(crate) payload_crc: u32,
}

impl Frame {
    /// The frame of a payload that comes in pieces.
    pub(crate) fn new(
        length: u32,
        sequence: Sequence,
        settled: Sequence,
        payload: &[IoSlice<'_>],
        salt: Salt,
    ) -> Self {
        let payload_crc = payload.iter().fold(salt.for_payloads(), |crc, piece| crc32c_from(crc, piece));
        Self { length, sequence, settled, payload_crc }
    }

    /// The bytes of the frame.
    pub(crate) fn encode(&self, salt: Salt) -> [u8; FRAME_SIZE] {
        let mut bytes = [0; FRAME_SIZE];
        bytes[0..4].copy_from_slice(&MARKER);
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.get().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.settled.get().to_le_bytes());
        bytes[24..28].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32c_from(salt.for_frames(), &bytes[..28]);
        bytes[28..32].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The frame at the beginning of `bytes`, if there is an intact one.
    pub(crate) fn decode(bytes: &[u8], salt: Salt) -> Option<Self> {
        let bytes = bytes.get(..FRAME_SIZE)?;
        if bytes[0..4] != MARKER || crc32c_from(salt.for_frames(), &bytes[..28]) != u32_at(bytes, 28) {
            return None;
        }
        Some(Self {
            length: u32_at(bytes, 4),
            sequence: Sequence::new(u64_at(bytes, 8)),
            settled: Sequence::new(u64_at(bytes, 16)),
            payload_crc: u32_at(bytes, 24),
        })
    }

    /// What the record takes, frame and payload.
    pub(crate) const fn size(&self) -> u64 {
        FRAME_BYTES + self.length as u64
    }
}
