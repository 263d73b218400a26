//! CRC32C, from a seed.
//!
//! Castagnoli's polynomial rather than the one of zip files: it finds every error of up to three bits in
//! payloads of up to 256 MiB (the other one only up to 11 KiB), and current processors have an instruction
//! for it. The `crc32c` crate uses that instruction where it is there.

/// CRC32C of `bytes`, going on from `seed` (0 for a plain one).
pub(crate) fn crc32c_from(seed: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(seed, bytes)
}

/// The two seeds of a segment: one for frames, one for payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Salt(pub(crate) u64);

impl Salt {
    /// Where the checksum of a frame starts.
    pub(crate) const fn for_frames(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Where the checksum of a payload starts.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    pub(crate) const fn for_payloads(self) -> u32 {
        self.0 as u32
    }
}
