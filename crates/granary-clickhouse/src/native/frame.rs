//! ClickHouse's compressed frames, as `decompress=1` expects them in a request's body.
//!
//! A frame is 16 bytes of `CityHash128` (version 1.0.2) over what follows; one byte for the method (0x82 is
//! LZ4); the size of what follows the hash as four bytes, these nine included; the size before compression as
//! four bytes; then an LZ4 block without a size of its own. Frames follow one another without regard to
//! what is in them.

use cityhash_rs::cityhash_102_128;

const HASH: usize = 16;
const HEADER: usize = 9;
const METHOD_LZ4: u8 = 0x82;

/// The server's own size for a frame (`max_compress_block_size`).
const MAX_FRAME: usize = 1 << 20;

/// Appends `data` as LZ4 frames.
pub(crate) fn write_frames(data: &[u8], out: &mut Vec<u8>) {
    for chunk in data.chunks(MAX_FRAME) {
        let start = out.len();
        let most = lz4_flex::block::get_maximum_output_size(chunk.len());
        out.resize(start + HASH + HEADER + most, 0);
        let size = lz4_flex::block::compress_into(chunk, &mut out[start + HASH + HEADER..])
            .expect("the output has the size that the compressor asks for");
        out.truncate(start + HASH + HEADER + size);
        let frame = &mut out[start..];
        frame[HASH] = METHOD_LZ4;
        frame[HASH + 1..HASH + 5].copy_from_slice(&frame_size(size + HEADER));
        frame[HASH + 5..HASH + 9].copy_from_slice(&frame_size(chunk.len()));
        let hash = cityhash_102_128(&frame[HASH..]);
        // The server reads the two halves high half first, each little-endian.
        frame[..8].copy_from_slice(&((hash >> 64) as u64).to_le_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
        frame[8..HASH].copy_from_slice(&(hash as u64).to_le_bytes());
    }
}

fn frame_size(size: usize) -> [u8; 4] {
    // A chunk is at most `MAX_FRAME` and LZ4 adds less than one byte in 255.
    u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()
}
