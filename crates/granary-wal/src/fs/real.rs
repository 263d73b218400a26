//! The file system of this machine.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use super::{DirectoryEntry, FileSystem, HeldLock, WalFile};

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

impl FileSystem for RealFs {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = dir.ancestors().take_while(|above| !above.is_dir()).collect();
        fs::create_dir_all(dir)?;
        for made in missing {
            // The name of a directory is kept by the one above it.
            match made.parent() {
                Some(above) if !above.as_os_str().is_empty() => self.sync_dir(above)?,
                _ => self.sync_dir(Path::new("."))?,
            }
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            match entry.metadata() {
                Ok(metadata) => entries.push(DirectoryEntry {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    bytes: if metadata.is_dir() { 0 } else { metadata.len() },
                    is_dir: metadata.is_dir(),
                }),
                // A running writer deletes segments while somebody inspects.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WalFile>> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Box::new(RealFile { file, cursor: 0 }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn WalFile>> {
        Ok(Box::new(RealFile { file: File::open(path)?, cursor: 0 }))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        // Some systems sync only what is open for writing.
        File::options().write(true).open(path)?.sync_data()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Windows has no such thing; NTFS journals names by itself.
        if cfg!(windows) { Ok(()) } else { File::open(dir)?.sync_all() }
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn HeldLock>>> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(RealLock { _file: file }))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn salt(&self) -> u64 {
        // Keyed by the system's random numbers; all that is needed is that no sender can foresee it.
        RandomState::new().hash_one(std::process::id())
    }
}

#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl HeldLock for RealLock {}

/// A file and where its cursor is, so that writing on needs no seek.
#[derive(Debug)]
struct RealFile {
    file: File,
    cursor: u64,
}

impl RealFile {
    fn seek(&mut self, offset: u64) -> io::Result<()> {
        if self.cursor != offset {
            self.cursor = self.file.seek(SeekFrom::Start(offset))?;
        }
        Ok(())
    }
}

impl WalFile for RealFile {
    fn write_at(&mut self, offset: u64, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.seek(offset)?;
        let written = self.file.write_vectored(pieces)?;
        self.cursor += written as u64;
        Ok(written)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.seek(offset)?;
        let read = self.file.read(buffer)?;
        self.cursor += read as u64;
        Ok(read)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn set_length(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }
}
