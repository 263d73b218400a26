//! Bytes as they come to the lines they hold, with a bound on the length of one.

use bytes::{Buf, BytesMut};

/// No line is longer: an OTLP request, which holds at least one record, is far smaller, and a damaged or hostile
/// object must not fill the memory.
const MAX_LINE_BYTES: usize = 256 << 20;

/// Bytes that were read and not yet taken as lines.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    bytes: BytesMut,
    /// How much of `bytes` is known to have no line break in it.
    searched: usize,
}

impl LineBuffer {
    /// Takes more bytes.
    ///
    /// # Errors
    ///
    /// The line that has begun is too long.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.searched > MAX_LINE_BYTES {
            return Err(format!("a line is longer than {MAX_LINE_BYTES} bytes"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next line that is there in whole, without its line break.
    pub(crate) fn take_line(&mut self) -> Option<BytesMut> {
        let unsearched = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(at) = unsearched.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return None;
        };
        let line = self.bytes.split_to(self.searched + at);
        self.bytes.advance(1);
        self.searched = 0;
        Some(line)
    }

    /// Whether nothing is left, not even the beginning of a line.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_wherever_the_chunks_are_cut() {
        let text = b"one\n\nthree\nrest";
        for cut in 0..text.len() {
            let mut buffer = LineBuffer::default();
            let mut lines = Vec::new();
            for chunk in [&text[..cut], &text[cut..]] {
                buffer.push(chunk).unwrap();
                while let Some(line) = buffer.take_line() {
                    lines.push(line);
                }
            }
            assert_eq!(lines, ["one", "", "three"]);
            assert!(!buffer.is_empty());
        }
    }
}
