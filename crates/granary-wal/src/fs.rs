//! Everything the log asks of the world outside: a few file operations, a clock, a random number.
//!
//! One trait with two implementations: [`RealFs`], and for tests a machine in memory that fails on
//! command and loses power (`testing::FaultyFs`).

mod real;

use std::fmt;
use std::io::{self, IoSlice};
use std::path::Path;
use std::time::Instant;

pub use real::RealFs;

/// A directory that can hold a log.
pub trait FileSystem: fmt::Debug + Send + Sync {
    /// Makes a directory with those above it, durably; does nothing if it is there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// What is in a directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirectoryEntry>>;

    /// Makes an empty file, or empties the one that is there, for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn WalFile>>;

    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn WalFile>>;

    /// Returns when the content of the file is on disk, also what an earlier process wrote.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name, in one step, in place of a file that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when the names in the directory are on disk.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the exclusive lock of a file, which is made if need be; `None` if somebody else has it. It is
    /// given back when the result is dropped or the process ends.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn HeldLock>>>;

    /// The time, by which confirmed segments age.
    fn now(&self) -> Instant;

    /// A number that nobody can foresee, for a segment's checksums.
    fn salt(&self) -> u64;
}

/// An open file.
pub trait WalFile: fmt::Debug + Send + Sync {
    /// Writes some of `pieces` at `offset` and returns how many bytes, which may be fewer than all.
    fn write_at(&mut self, offset: u64, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Reads some bytes at `offset`; 0 at the end of the file.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Returns when content and length are on disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file.
    fn set_length(&mut self, bytes: u64) -> io::Result<()>;
}

/// A lock that is held until it is dropped.
pub trait HeldLock: fmt::Debug + Send + Sync {}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name; what is not Unicode in it is replaced.
    pub name: String,
    /// The length of the file; 0 for a directory.
    pub bytes: u64,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// Writes all of `pieces` at `offset`, however many calls it takes.
pub(crate) fn write_all_at(
    file: &mut dyn WalFile,
    offset: u64,
    mut pieces: &mut [IoSlice<'_>],
) -> io::Result<()> {
    let mut at = offset;
    // Empty pieces at the front would make a write of nothing look like a full disk.
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match file.write_at(at, pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                at += written as u64;
                IoSlice::advance_slices(&mut pieces, written);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
