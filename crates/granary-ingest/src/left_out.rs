//! Events of the log that another receiver stores: which of which record.
//!
//! They are on disk before the stretch that holds them is delivered, so that its inserts are the same whenever they are sent
//! again. The file has one record each: 8 bytes of the log's sequence, 16 of the event's id, 4 of `CRC32C` over both, all
//! little-endian. What a crash left of an unfinished one is cut off; nothing was delivered on its word.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use granary_model::EventId;
use granary_wal::Sequence;

const DIRECTORY: &str = "left-out";
const FILE: &str = "events";
const UNFINISHED: &str = "events.tmp";

const RECORD: usize = 8 + 16 + 4;

/// Records of which the file is written anew, once half of them are of no use any more.
const MANY: usize = 4096;

/// What is left out. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct LeftOut(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    dir: PathBuf,
    /// Made with the first record.
    file: Option<File>,
    /// Records in the file.
    written: usize,
    /// Of each record of the log.
    events: BTreeMap<u64, HashSet<EventId>>,
}

impl LeftOut {
    /// Reads what an earlier life has left out of the log in `wal_dir`, from its oldest record on.
    pub(crate) fn open(wal_dir: &Path, oldest: Sequence) -> io::Result<Self> {
        let dir = wal_dir.join(DIRECTORY);
        let bytes = match fs::read(dir.join(FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut kept = Kept { dir, file: None, written: 0, events: BTreeMap::new() };
        for (sequence, id) in bytes.as_chunks().0.iter().map_while(read) {
            kept.events.entry(sequence).or_default().insert(id);
        }
        kept.forget_before(oldest);
        if !bytes.is_empty() {
            kept.write_anew()?;
        }
        Ok(Self(Arc::new(Mutex::new(kept))))
    }

    /// Whether some events of a record of the log are left out, and which.
    pub(crate) fn of(&self, sequence: Sequence) -> Option<HashSet<EventId>> {
        self.lock().events.get(&sequence.get()).cloned()
    }

    /// Leaves events out of records of the log; when it returns they are on disk.
    pub(crate) fn add(&self, events: &[(Sequence, EventId)], oldest: Sequence) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let mut kept = self.lock();
        if kept.written >= MANY {
            kept.forget_before(oldest);
            if kept.events.values().map(HashSet::len).sum::<usize>() < kept.written / 2 {
                kept.write_anew()?;
            }
        }
        let bytes: Vec<u8> = events.iter().flat_map(|(sequence, id)| record(sequence.get(), *id)).collect();
        // After a failure part of it may be there: what is written behind that would not be read.
        if let Err(error) =
            kept.file().and_then(|file| file.write_all(&bytes).and_then(|()| file.sync_data()))
        {
            kept.write_anew()?;
            return Err(error);
        }
        kept.written += events.len();
        for (sequence, id) in events {
            kept.events.entry(sequence.get()).or_default().insert(*id);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget_before(&mut self, oldest: Sequence) {
        self.events = self.events.split_off(&oldest.get());
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.write_anew()?;
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("there is no file of left-out events"))
    }

    fn write_anew(&mut self) -> io::Result<()> {
        self.file = None;
        fs::create_dir_all(&self.dir)?;
        let unfinished = self.dir.join(UNFINISHED);
        let all = self.events.iter().flat_map(|(sequence, ids)| ids.iter().map(|id| record(*sequence, *id)));
        let bytes: Vec<u8> = all.flatten().collect();
        let mut file = File::create(&unfinished)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        let path = self.dir.join(FILE);
        fs::rename(&unfinished, &path)?;
        File::open(&self.dir)?.sync_all()?;
        if let Some(parent) = self.dir.parent() {
            File::open(parent)?.sync_all()?;
        }
        self.file = Some(OpenOptions::new().append(true).open(path)?);
        self.written = bytes.len() / RECORD;
        Ok(())
    }
}

fn record(sequence: u64, id: EventId) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&sequence.to_le_bytes());
    record[8..24].copy_from_slice(&id.0.to_le_bytes());
    let sum = crc32c::crc32c(&record[..24]);
    record[24..].copy_from_slice(&sum.to_le_bytes());
    record
}

/// `None` where the record is not whole.
fn read(record: &[u8; RECORD]) -> Option<(u64, EventId)> {
    let (sequence, rest) = record.split_first_chunk()?;
    let (id, sum) = rest.split_first_chunk()?;
    let is_whole = crc32c::crc32c(&record[..24]).to_le_bytes() == sum;
    is_whole.then(|| (u64::from_le_bytes(*sequence), EventId(u128::from_le_bytes(*id))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sequence: u64, id: u128) -> (Sequence, EventId) {
        (Sequence::new(sequence), EventId(id))
    }

    #[test]
    fn what_was_left_out_is_known_after_a_restart_also_behind_a_torn_record() {
        let dir = tempfile::tempdir().unwrap();
        let first = Sequence::new(1);
        let left_out = LeftOut::open(dir.path(), first).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is written without need");
        left_out.add(&[at(5, 1), at(5, 2), at(9, 3)], first).unwrap();
        let path = dir.path().join(DIRECTORY).join(FILE);
        for torn in [&[0xFF; 11][..], &[0; RECORD], &[0; 5 * RECORD]] {
            OpenOptions::new().append(true).open(&path).unwrap().write_all(torn).unwrap();
            let left_out = LeftOut::open(dir.path(), first).unwrap();
            left_out.add(&[at(11, 4)], first).unwrap();
            let left_out = LeftOut::open(dir.path(), first).unwrap();
            assert_eq!(left_out.of(Sequence::new(5)), Some(HashSet::from([EventId(1), EventId(2)])));
            assert_eq!(left_out.of(Sequence::new(11)), Some(HashSet::from([EventId(4)])));
            assert_eq!(left_out.of(Sequence::new(6)), None);
        }
    }

    #[test]
    fn the_file_does_not_outgrow_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let left_out = LeftOut::open(dir.path(), Sequence::new(1)).unwrap();
        for sequence in 1..100 {
            let events: Vec<_> = (0..500).map(|id| at(sequence, id)).collect();
            left_out.add(&events, Sequence::new(sequence.max(3) - 2)).unwrap();
        }
        let bytes = fs::metadata(dir.path().join(DIRECTORY).join(FILE)).unwrap().len();
        assert!(bytes < 2 * (MANY * RECORD) as u64, "{bytes}");
        let left_out = LeftOut::open(dir.path(), Sequence::new(98)).unwrap();
        assert_eq!(left_out.of(Sequence::new(97)), None);
        assert_eq!(left_out.of(Sequence::new(99)).unwrap().len(), 500);
    }
}
