//! A file, seen through a buffer that moves along.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::error::IoFailure;
use crate::fs::WalFile;

/// A file with the part of it that was read last.
#[derive(Debug)]
pub(crate) struct Window {
    file: Box<dyn WalFile>,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    start: u64,
    /// How much is read at once.
    size: usize,
}

impl Window {
    /// A window of `size` bytes on a file.
    pub(crate) fn new(file: Box<dyn WalFile>, path: &Path, size: usize) -> Self {
        Self { file, path: path.to_owned(), buffer: Vec::new(), start: 0, size }
    }

    /// How many bytes can be asked for at once.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// The bytes from `offset`, at most `want` (and at most [`Self::size`]), fewer only at `limit` or at the
    /// end of the file.
    ///
    /// Nothing at or after `limit` is read: what a writer has not synced may still change.
    pub(crate) fn peek(&mut self, offset: u64, want: usize, limit: u64) -> Result<&[u8], IoFailure> {
        let want = clamp(want.min(self.size), offset, limit);
        if self.buffered(offset) < want {
            let ahead = clamp(self.size, offset, limit);
            self.buffer.resize(ahead, 0);
            self.start = offset;
            let read = read_full(&mut *self.file, offset, &mut self.buffer);
            self.buffer.truncate(*read.as_ref().unwrap_or(&0));
            read.map_err(IoFailure::at("reading", &self.path))?;
        }
        let available = self.buffered(offset).min(want);
        let from = self.buffer.len() - self.buffered(offset);
        Ok(&self.buffer[from..from + available])
    }

    /// `length` bytes from `offset`, as a value of its own; fewer only at the end of the file.
    pub(crate) fn copy(&mut self, offset: u64, length: usize) -> Result<Bytes, IoFailure> {
        if self.buffered(offset) >= length {
            let from = self.buffer.len() - self.buffered(offset);
            return Ok(Bytes::copy_from_slice(&self.buffer[from..from + length]));
        }
        let mut bytes = vec![0; length];
        let read =
            read_full(&mut *self.file, offset, &mut bytes).map_err(IoFailure::at("reading", &self.path))?;
        bytes.truncate(read);
        Ok(bytes.into())
    }

    /// Hands on the bytes from `from` to `to`, as far as the file goes, piece by piece with the offset of
    /// each.
    pub(crate) fn each(
        &mut self,
        from: u64,
        to: u64,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), IoFailure>,
    ) -> Result<(), IoFailure> {
        let mut at = from;
        loop {
            let piece = self.peek(at, self.size, to)?;
            if piece.is_empty() {
                return Ok(());
            }
            take(at, piece)?;
            at += piece.len() as u64;
        }
    }

    /// How many bytes from `offset` on the buffer holds.
    fn buffered(&self, offset: u64) -> usize {
        let held = self.buffer.len() as u64;
        let into = offset.checked_sub(self.start).filter(|into| *into <= held);
        // What remains is no longer than the buffer, which has a usize.
        into.map_or(0, |into| usize::try_from(held - into).unwrap_or(0))
    }
}

/// At most `want` bytes, and none at or after `limit`.
fn clamp(want: usize, offset: u64, limit: u64) -> usize {
    usize::try_from(limit.saturating_sub(offset)).map_or(want, |left| left.min(want))
}

/// Fills `buffer` from `offset`, as far as the file goes.
fn read_full(file: &mut dyn WalFile, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(offset + filled as u64, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
