//! Does the log stand whatever is done to its files? The entry of the fuzz target, and of a property test.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;

use super::faulty::FaultyFs;
use crate::checkpoint::FILE_NAME;
use crate::config::Config;
use crate::error::{OpenError, ReadError};
use crate::log::Log;
use crate::open::{Opened, open_on};
use crate::position::{SegmentNumber, Sequence};
use crate::report::{inspect_on, verify_on};

/// Writes a log as `script` says, does to its files what `script` says, and opens it.
///
/// # Panics
///
/// If a record comes back with another payload than was written, twice, or out of order; if opening again,
/// inspecting or verifying finds something else; if the log does not take and return new records; or if
/// anything panics.
pub fn survive(script: &[u8]) {
    let mut script = Script(script);
    let fs = FaultyFs::new(u64::from(script.byte()));
    let config = Config {
        segment_bytes: ByteSize(4096 + u64::from(script.byte()) * 8),
        max_record_bytes: ByteSize::kib(16),
        max_total_bytes: ByteSize::mib(64),
        ..Config::new("/log")
    };
    let mut written = BTreeMap::new();
    write(&fs, &config, &mut script, &mut written);
    while script.has_more() {
        spoil(&fs, &config.dir, &mut script);
    }
    check(&fs, &config, &mut written);
}

type Written = BTreeMap<Sequence, Vec<u8>>;

fn open(fs: &FaultyFs, config: &Config) -> Result<Opened, OpenError> {
    open_on(Arc::new(fs.clone()), config)
}

fn append(opened: &mut Opened, payload: Vec<u8>, written: &mut Written) -> Sequence {
    let appended = opened.writer.append(&[IoSlice::new(&payload)]).expect("there is room");
    written.insert(appended.sequence, payload);
    appended.sequence
}

fn write(fs: &FaultyFs, config: &Config, script: &mut Script<'_>, written: &mut Written) {
    let mut opened = open(fs, config).expect("nothing is wrong yet");
    for _ in 0..script.byte() % 24 {
        match script.byte() {
            0..20 => drop(opened.writer.rotate().expect("nothing fails")),
            20..60 => {
                let mark = opened.writer.sync().expect("nothing fails");
                opened.log.advance_checkpoint(mark, Bytes::from_static(b"blob")).expect("the mark is good");
            }
            60..70 => drop(opened.log.delete_confirmed(Duration::ZERO).expect("nothing fails")),
            70..80 => {
                drop(opened);
                opened = open(fs, config).expect("nothing is wrong yet");
            }
            80..200 => {
                let payload = vec![script.byte(); usize::from(script.byte()) * 4];
                append(&mut opened, payload, written);
            }
            200.. => {
                // A payload that holds what looks like records: a piece of the log itself.
                let name = script.byte();
                let piece =
                    file(fs, &config.dir, name).and_then(|(_, path)| fs.content(&path)).unwrap_or_default();
                let from = script.below(piece.len() + 1);
                append(&mut opened, piece[from..].iter().copied().take(8000).collect(), written);
            }
        }
    }
    opened.writer.sync().expect("nothing fails");
}

/// One of the files in the log.
fn file(fs: &FaultyFs, dir: &Path, choice: u8) -> Option<(String, PathBuf)> {
    let names = fs.names(dir);
    let name = names.get(usize::from(choice).checked_rem(names.len())?)?.clone();
    let path = dir.join(&name);
    Some((name, path))
}

fn spoil(fs: &FaultyFs, dir: &Path, script: &mut Script<'_>) {
    let action = script.byte() % 9;
    let Some((_, path)) = file(fs, dir, script.byte()) else { return };
    let length = fs.content(&path).map_or(0, |content| content.len());
    let at = script.below(length);
    let count = usize::from(script.byte());
    let range = at..(at + count).min(length);
    let bytes = script.take(count);
    match action {
        0 if length > 0 => drop(fs.corrupt(&path, |content| content[at] ^= 1 << (count % 8))),
        1 => drop(fs.corrupt(&path, |content| content.truncate(at))),
        2 => drop(fs.corrupt(&path, |content| drop(content.drain(range.clone())))),
        3 => drop(fs.corrupt(&path, |content| content[range.clone()].fill(0))),
        4 => drop(fs.corrupt(&path, |content| drop(content.splice(at..at, bytes.iter().copied())))),
        5 => drop(fs.corrupt(&path, |content| content.extend_from_slice(bytes))),
        // Bytes of one file in another, whole records among them.
        6 => {
            let other =
                file(fs, dir, script.byte()).and_then(|(_, path)| fs.content(&path)).unwrap_or_default();
            let from = script.below(other.len());
            let piece = &other[from..(from + 64 * count).min(other.len())];
            fs.corrupt(&path, |content| {
                content.truncate(at);
                content.extend_from_slice(piece);
            });
        }
        7 => {
            let name = match count % 3 {
                0 => FILE_NAME.to_owned(),
                1 => SegmentNumber::new(1 + u64::from(script.byte() % 8)).file_name(),
                _ => format!("{}.tmp", SegmentNumber::FIRST.file_name()),
            };
            fs.put(&dir.join(name), bytes.to_vec());
        }
        _ => drop(fs.corrupt(&path, Vec::clear)),
    }
}

fn check(fs: &FaultyFs, config: &Config, written: &mut Written) {
    let seen = inspect_on(fs, &config.dir);
    let verified = verify_on(fs, &config.dir);
    let first = match open(fs, config) {
        Ok(opened) => opened,
        Err(OpenError::UnknownVersion { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    assert!(seen.is_ok(), "what can be opened can be inspected");
    assert_eq!(verified.as_ref().ok(), Some(&first.recovery.found), "verifying finds what opening finds");
    assert!(!first.recovery.to_string().is_empty());
    let records = read_all(&first.log, written);
    assert_eq!(records.len() as u64, first.recovery.found.records(), "what is reported is what is read");
    drop(first);

    let mut second = open(fs, config).expect("it could be opened before");
    assert_eq!(records, read_all(&second.log, written), "opening changes nothing");
    let new = append(&mut second, b"after all".to_vec(), written);
    let end = second.writer.sync().expect("nothing fails");
    assert!(records.iter().all(|old| *old < new), "a sequence is given once");
    assert_eq!(read_all(&second.log, written).last(), Some(&new));
    second.log.advance_checkpoint(end, Bytes::new()).expect("the mark is good");
    drop(second);

    let third = open(fs, config).expect("it could be opened before");
    assert_eq!(third.recovery.resume, end);
    assert!(!third.recovery.found.loses_data(), "what is confirmed cannot be lost: {}", third.recovery);
}

fn read_all(log: &Log, written: &Written) -> Vec<Sequence> {
    let mut reader = log.read_from(log.oldest());
    let mut sequences: Vec<Sequence> = Vec::new();
    loop {
        match reader.next_record() {
            Ok(Some(record)) => {
                assert_eq!(written.get(&record.sequence).map(Vec::as_slice), Some(&record.payload[..]));
                assert!(sequences.last().is_none_or(|last| *last < record.sequence), "records are in order");
                assert_eq!(log.read_at(record.position).expect("it was just read"), record);
                sequences.push(record.sequence);
            }
            Ok(None) => return sequences,
            Err(error @ ReadError::Damaged(_)) => panic!("opening knows all damage: {error}"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Bytes that say what to do; zeros when they are used up.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    const fn has_more(&self) -> bool {
        !self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn below(&mut self, end: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())).checked_rem(end).unwrap_or(0)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
