//! ClickHouse's compressed frames, as `decompress=1` expects them in a request's body.
//!
//! A frame is 16 bytes of `CityHash128` (version 1.0.2) over what follows; one byte for the method (0x82 is
//! LZ4); the size of what follows the hash as four bytes, these nine included; the size before compression as
//! four bytes; then an LZ4 block without a size of its own. Frames follow one another without regard to
//! what is in them.

use cityhash_rs::cityhash_102_128;

use super::Out;

const HASH: usize = 16;
const HEADER: usize = 9;
const METHOD_LZ4: u8 = 0x82;

/// The server's own size for a frame (`max_compress_block_size`).
const MAX_FRAME: usize = 1 << 20;

/// Takes the bytes of a block and makes LZ4 frames of them.
///
/// What comes in large pieces is compressed where it is; the rest is gathered first.
#[derive(Debug)]
pub(crate) struct FrameWriter<'a> {
    /// What is gathered, and from [`MAX_FRAME`] on the frames. Its memory is used again and again, while the frames
    /// leave in memory of their own, which would be taken from the system, and cleared by it, at each step of growth.
    scratch: &'a mut Vec<u8>,
    gathered: usize,
    /// Where the next frame begins.
    end: usize,
}

/// The most that a frame takes.
const MAX_COMPRESSED: usize = HASH + HEADER + lz4_flex::block::get_maximum_output_size(MAX_FRAME);

impl<'a> FrameWriter<'a> {
    /// Begins a row of frames. `scratch` is written over; it is best left as it is until the next time.
    pub(crate) fn new(scratch: &'a mut Vec<u8>) -> Self {
        if scratch.len() < MAX_FRAME {
            scratch.resize(MAX_FRAME, 0);
        }
        Self { scratch, gathered: 0, end: MAX_FRAME }
    }

    /// Appends the frames.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) {
        if self.gathered > 0 {
            self.compress_gathered();
        }
        out.extend_from_slice(&self.scratch[MAX_FRAME..self.end]);
    }

    fn compress_gathered(&mut self) {
        self.make_room();
        let (gathered, room) = self.scratch.split_at_mut(self.end);
        self.end += compress(&gathered[..self.gathered], room);
        self.gathered = 0;
    }

    fn make_room(&mut self) {
        if self.scratch.len() < self.end + MAX_COMPRESSED {
            self.scratch.resize(self.end + MAX_COMPRESSED, 0);
        }
    }
}

impl Out for FrameWriter<'_> {
    fn put(&mut self, mut bytes: &[u8]) {
        while self.gathered + bytes.len() >= MAX_FRAME {
            let (first, rest) = bytes.split_at(MAX_FRAME - self.gathered);
            if self.gathered == 0 {
                self.make_room();
                self.end += compress(first, &mut self.scratch[self.end..]);
            } else {
                self.scratch[self.gathered..MAX_FRAME].copy_from_slice(first);
                self.gathered = MAX_FRAME;
                self.compress_gathered();
            }
            bytes = rest;
        }
        self.scratch[self.gathered..self.gathered + bytes.len()].copy_from_slice(bytes);
        self.gathered += bytes.len();
    }
}

/// Makes a frame of some bytes and returns its size.
fn compress(bytes: &[u8], room: &mut [u8]) -> usize {
    let size = lz4_flex::block::compress_into(bytes, &mut room[HASH + HEADER..])
        .expect("there is as much room as the compressor asks for");
    let frame = &mut room[..HASH + HEADER + size];
    frame[HASH] = METHOD_LZ4;
    frame[HASH + 1..HASH + 5].copy_from_slice(&frame_size(size + HEADER));
    frame[HASH + 5..HASH + 9].copy_from_slice(&frame_size(bytes.len()));
    let hash = cityhash_102_128(&frame[HASH..]);
    // The server reads the two halves high half first, each little-endian.
    frame[..8].copy_from_slice(&((hash >> 64) as u64).to_le_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
    frame[8..HASH].copy_from_slice(&(hash as u64).to_le_bytes());
    frame.len()
}

fn frame_size(size: usize) -> [u8; 4] {
    // A chunk is at most `MAX_FRAME` and LZ4 adds less than one byte in 255.
    u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()
}

/// The bytes that frames hold. `None` where they are not what [`FrameWriter`] wrote.
pub(crate) fn decompress(mut frames: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while !frames.is_empty() {
        let size = |at: usize| Some(u32::from_le_bytes(*frames.get(at..)?.first_chunk()?) as usize);
        let (compressed, whole) = (size(HASH + 1)?, size(HASH + 5)?);
        let (frame, rest) = frames.split_at_checked(HASH.checked_add(compressed)?)?;
        let (hash, body) = frame.split_at_checked(HASH)?;
        let is_ours = compressed >= HEADER && whole <= MAX_FRAME && body[0] == METHOD_LZ4;
        if !is_ours || *hash != cityhash_102_128(body).rotate_left(64).to_le_bytes() {
            return None;
        }
        let before = out.len();
        out.resize(before + whole, 0);
        let size = lz4_flex::block::decompress_into(&body[HEADER..], &mut out[before..]).ok()?;
        if size != whole {
            return None;
        }
        frames = rest;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_whatever_the_pieces() {
        let bytes: Vec<u8> = (0..5 * MAX_FRAME / 2).map(|n| (n % 251 + n / 1000).to_le_bytes()[0]).collect();
        for pieces in [vec![], vec![1], vec![7, MAX_FRAME - 7, 1], vec![MAX_FRAME], vec![5, 2 * MAX_FRAME, 5]]
        {
            let (mut scratch, mut out, mut rest) = (Vec::new(), Vec::new(), &bytes[..]);
            let mut writer = FrameWriter::new(&mut scratch);
            for piece in pieces {
                let (first, others) = rest.split_at(piece);
                writer.put(first);
                rest = others;
            }
            writer.put(rest);
            writer.finish(&mut out);
            assert!(decompress(&out).unwrap() == bytes);
        }
    }

    #[test]
    fn nothing_is_no_frame() {
        let mut out = Vec::new();
        FrameWriter::new(&mut Vec::new()).finish(&mut out);
        assert!(out.is_empty());
    }
}
