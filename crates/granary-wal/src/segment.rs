//! The segment that is being written: create, append, cut back, sync.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use crate::atomic;
use crate::error::IoFailure;
use crate::fs::{FileSystem, WalFile, write_all_at};
use crate::header::{HEADER_BYTES, Header};
use crate::record::Frame;

/// A segment that takes records.
#[derive(Debug)]
pub(crate) struct ActiveSegment {
    file: Box<dyn WalFile>,
    path: PathBuf,
    header: Header,
    /// Where the last good record ends.
    end: u64,
    /// Whether there are bytes behind `end` that should not be there.
    spoiled: bool,
}

impl ActiveSegment {
    /// Makes the segment. When it returns, it is on disk, without records.
    pub(crate) fn create(fs: &dyn FileSystem, dir: &Path, header: Header) -> Result<Self, IoFailure> {
        let name = header.number.file_name();
        let path = dir.join(&name);
        let file = atomic::create(fs, dir, &name, |file| {
            write_all_at(file, 0, &mut [IoSlice::new(&header.encode())])
                .map_err(IoFailure::at("writing", &path))
        })?;
        Ok(Self { file, path, header, end: HEADER_BYTES, spoiled: false })
    }

    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Writes a record to the page cache, or leaves the segment as it was.
    pub(crate) fn append(&mut self, frame: &Frame, payload: &[IoSlice<'_>]) -> Result<(), IoFailure> {
        if self.spoiled {
            // What a failed write left might be a whole record. Nothing is written while it is there: a
            // shorter record before it would leave a piece of it standing.
            self.cut()?;
        }
        let encoded = frame.encode(self.header.salt);
        let mut pieces = Vec::with_capacity(payload.len() + 1);
        pieces.push(IoSlice::new(&encoded));
        pieces.extend(payload.iter().map(|piece| IoSlice::new(piece)));
        if let Err(error) = write_all_at(&mut *self.file, self.end, &mut pieces) {
            self.spoiled = true;
            // Tried again before the next record if it fails now.
            drop(self.cut());
            return Err(IoFailure::at("writing", &self.path)(error));
        }
        self.end += frame.size();
        Ok(())
    }

    /// Returns when every record is on disk. After an error the file must not be synced again.
    pub(crate) fn sync(&mut self) -> Result<(), IoFailure> {
        self.file.sync().map_err(IoFailure::at("syncing", &self.path))
    }

    /// Gives up what is behind `end`, and returns the size of the file.
    ///
    /// Cutting it off is a courtesy: a process that is started before the next segment exists would take it
    /// for records, though the kernel may have dropped their pages.
    pub(crate) fn abandon(mut self, end: u64) -> u64 {
        let written = self.end;
        self.end = end;
        if self.cut().is_ok() { end } else { written }
    }

    fn cut(&mut self) -> Result<(), IoFailure> {
        self.file.set_length(self.end).map_err(IoFailure::at("cutting", &self.path))?;
        self.spoiled = false;
        Ok(())
    }
}
