//! The file system seam on a [`Disk`], with faults.

use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::dice::Dice;
use super::disk::Disk;
use crate::fs::{DirectoryEntry, FileSystem, HeldLock, WalFile};

/// A machine in memory, with a page cache, a disk, and faults that are ordered beforehand.
///
/// Clones are the same machine. A process that is killed is a log that is dropped; [`Self::cut_power`] is
/// worse.
#[derive(Debug, Clone)]
pub struct FaultyFs {
    machine: Arc<Mutex<Machine>>,
}

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Making a file.
    Create,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Syncing a file.
    Sync,
    /// Cutting a file.
    SetLength,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Syncing a directory.
    SyncDir,
}

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// With this error. A sync may have done a part of its work.
    Error(io::ErrorKind),
    /// A write or read does at most so many bytes, and says so.
    Short(usize),
    /// A write does at most so many bytes, and the next one fails with this error.
    ShortThen(usize, io::ErrorKind),
}

#[derive(Debug)]
struct Machine {
    disk: Disk,
    dirs: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    /// How often the power was cut. Handles of an earlier time are dead.
    boot: u64,
    faults: Vec<Fault>,
    /// How many bytes the disk takes.
    capacity: Option<usize>,
    started: Instant,
    elapsed: Duration,
    dice: Dice,
    reached: u64,
}

#[derive(Debug)]
struct Fault {
    operation: Operation,
    /// How often it still succeeds.
    after: u64,
    effect: Effect,
}

impl FaultyFs {
    /// A machine without files. The same seed, the same salts and the same damage by failed syncs.
    pub fn new(seed: u64) -> Self {
        let machine = Machine {
            disk: Disk::default(),
            dirs: BTreeSet::new(),
            locks: BTreeSet::new(),
            boot: 0,
            faults: Vec::new(),
            capacity: None,
            started: Instant::now(),
            elapsed: Duration::ZERO,
            dice: Dice::new(seed),
            reached: 0,
        };
        Self { machine: Arc::new(Mutex::new(machine)) }
    }

    /// Lets an operation fail once, after it has succeeded `after` more times.
    pub fn fail(&self, operation: Operation, after: u64, effect: Effect) {
        self.machine().faults.push(Fault { operation, after, effect });
    }

    /// Takes back the faults that were ordered and have not happened.
    pub fn heal(&self) {
        let mut machine = self.machine();
        machine.faults.clear();
        machine.capacity = None;
    }

    /// How many faults have happened.
    pub fn faults_reached(&self) -> u64 {
        self.machine().reached
    }

    /// Lets the disk be full when files take so many bytes; `None` for no bound.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.machine().capacity = bytes;
    }

    /// What the files take.
    pub fn used(&self) -> usize {
        self.machine().disk.used()
    }

    /// Cuts the power: what was synced stays, and any part of the rest, torn at any byte. Everything that was
    /// open is dead.
    pub fn cut_power(&self, seed: u64) {
        let mut machine = self.machine();
        machine.disk.lose_power(&mut Dice::new(seed));
        machine.boot += 1;
        machine.locks.clear();
        machine.faults.clear();
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.machine().elapsed += by;
    }

    /// The content of a file, as programs see it.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let machine = self.machine();
        machine.disk.find(path).map(|file| machine.disk.content(file).to_vec())
    }

    /// Changes a file on disk and in the cache, as bit rot does. Returns whether there is such a file.
    pub fn corrupt(&self, path: &Path, change: impl Fn(&mut Vec<u8>)) -> bool {
        let mut machine = self.machine();
        let file = machine.disk.find(path);
        if let Some(file) = file {
            machine.disk.corrupt(file, change);
        }
        file.is_some()
    }

    /// Puts a file on the disk, with its directory.
    pub fn put(&self, path: &Path, content: Vec<u8>) {
        let mut machine = self.machine();
        let dir = path.parent().unwrap_or(Path::new("/")).to_owned();
        let file = machine.disk.create(path);
        machine.disk.write(file, 0, content);
        machine.disk.sync(file);
        machine.disk.sync_names(&dir);
        machine.dirs.insert(dir);
    }

    /// The names in a directory, sorted.
    pub fn names(&self, dir: &Path) -> Vec<String> {
        let machine = self.machine();
        machine
            .disk
            .names_in(dir)
            .filter_map(|(path, _)| Some(path.file_name()?.to_str()?.to_owned()))
            .collect()
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, machine: &Machine, file: usize) -> Box<dyn WalFile> {
        Box::new(FaultyFile { fs: self.clone(), file, boot: machine.boot })
    }
}

impl Machine {
    /// The fault that is due with this operation.
    fn fault(&mut self, operation: Operation) -> Option<Effect> {
        let mut due = None;
        for (index, fault) in
            self.faults.iter_mut().enumerate().filter(|(_, fault)| fault.operation == operation)
        {
            if fault.after == 0 && due.is_none() {
                due = Some(index);
            } else {
                fault.after = fault.after.saturating_sub(1);
            }
        }
        let effect = self.faults.remove(due?).effect;
        self.reached += 1;
        Some(effect)
    }

    /// For operations that succeed or fail as a whole.
    fn attempt(&mut self, operation: Operation) -> io::Result<()> {
        match self.fault(operation) {
            Some(Effect::Error(kind) | Effect::ShortThen(_, kind)) => Err(kind.into()),
            Some(Effect::Short(_)) | None => Ok(()),
        }
    }
}

impl FileSystem for FaultyFs {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.machine().dirs.insert(dir.to_owned());
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let machine = self.machine();
        if !machine.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let name = |path: &Path| {
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let files = machine.disk.names_in(dir);
        let files = files.map(|(path, bytes)| DirectoryEntry { name: name(path), bytes, is_dir: false });
        let dirs = machine.dirs.iter().filter(|below| below.parent() == Some(dir));
        let dirs = dirs.map(|path| DirectoryEntry { name: name(path), bytes: 0, is_dir: true });
        Ok(files.chain(dirs).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WalFile>> {
        let mut machine = self.machine();
        machine.attempt(Operation::Create)?;
        let file = machine.disk.create(path);
        Ok(self.handle(&machine, file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn WalFile>> {
        let machine = self.machine();
        let file = machine.disk.find(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.handle(&machine, file))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.open(path)?.sync()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut machine = self.machine();
        machine.attempt(Operation::Rename)?;
        if machine.disk.rename(from, to) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut machine = self.machine();
        machine.attempt(Operation::Remove)?;
        if machine.disk.remove(path) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut machine = self.machine();
        machine.attempt(Operation::SyncDir)?;
        machine.disk.sync_names(dir);
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn HeldLock>>> {
        let mut machine = self.machine();
        if !machine.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(FaultyLock { fs: self.clone(), path: path.to_owned(), boot: machine.boot })))
    }

    fn now(&self) -> Instant {
        let machine = self.machine();
        machine.started + machine.elapsed
    }

    fn salt(&self) -> u64 {
        self.machine().dice.throw()
    }
}

#[derive(Debug)]
struct FaultyLock {
    fs: FaultyFs,
    path: PathBuf,
    boot: u64,
}

impl HeldLock for FaultyLock {}

impl Drop for FaultyLock {
    fn drop(&mut self) {
        let mut machine = self.fs.machine();
        if machine.boot == self.boot {
            machine.locks.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct FaultyFile {
    fs: FaultyFs,
    file: usize,
    boot: u64,
}

impl FaultyFile {
    /// The machine, unless it was off since the file was opened.
    fn machine(&self) -> io::Result<MutexGuard<'_, Machine>> {
        let machine = self.fs.machine();
        if machine.boot == self.boot { Ok(machine) } else { Err(io::Error::other("the power was cut")) }
    }
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl WalFile for FaultyFile {
    fn write_at(&mut self, offset: u64, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut machine = self.machine()?;
        let mut bytes = pieces.iter().flat_map(|piece| piece.iter().copied()).collect::<Vec<u8>>();
        let at = index(offset)?;
        match machine.fault(Operation::Write) {
            Some(Effect::Error(kind)) => return Err(kind.into()),
            Some(Effect::Short(most)) => bytes.truncate(most.max(1)),
            Some(Effect::ShortThen(most, kind)) => {
                bytes.truncate(most.max(1));
                let next = Fault { operation: Operation::Write, after: 0, effect: Effect::Error(kind) };
                machine.faults.push(next);
            }
            None => {}
        }
        if let Some(capacity) = machine.capacity {
            let grown = (at + bytes.len()).saturating_sub(machine.disk.content(self.file).len());
            let room = capacity.saturating_sub(machine.disk.used());
            bytes.truncate(bytes.len() - grown.saturating_sub(room).min(bytes.len()));
            if bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        let written = bytes.len();
        machine.disk.write(self.file, at, bytes);
        Ok(written)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut machine = self.machine()?;
        let mut most = buffer.len();
        match machine.fault(Operation::Read) {
            Some(Effect::Error(kind) | Effect::ShortThen(_, kind)) => return Err(kind.into()),
            Some(Effect::Short(bytes)) => most = most.min(bytes.max(1)),
            None => {}
        }
        let content = machine.disk.content(self.file);
        let from = index(offset)?.min(content.len());
        let read = most.min(content.len() - from);
        buffer[..read].copy_from_slice(&content[from..from + read]);
        Ok(read)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut machine = self.machine()?;
        let attempt = machine.attempt(Operation::Sync);
        let Machine { disk, dice, .. } = &mut *machine;
        match attempt {
            Ok(()) => disk.sync(self.file),
            Err(_) => disk.sync_badly(self.file, dice),
        }
        attempt
    }

    fn set_length(&mut self, bytes: u64) -> io::Result<()> {
        let mut machine = self.machine()?;
        machine.attempt(Operation::SetLength)?;
        machine.disk.set_length(self.file, index(bytes)?);
        Ok(())
    }
}
