//! The log beside a plain list: whatever is done to it and wherever it fails, what was synced is there
//! exactly once.
//!
//! What the list knows of a record is what the caller was told: durable, not yet synced, or failed. After a
//! kill everything that was appended has to be there; after a power cut everything durable, and any of the
//! rest.

use std::io::{ErrorKind, IoSlice};
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;
use granary_wal::testing::{Effect, FaultyFs, Operation};
use granary_wal::{AppendError, Fate, Mark, OpenError, Opened, Sequence};
use proptest::prelude::*;

use crate::rig::{Rig, read_all, read_from};

#[derive(Debug, Clone)]
enum Action {
    Append(usize),
    Sync,
    Rotate,
    /// Confirms the share of what is on disk, in percent.
    Confirm(u8),
    Delete,
    Read,
    Fail(Operation, u64, Effect),
    DiskFullIn(usize),
    Heal,
    Kill,
    CutPower(u64),
}

fn action() -> impl Strategy<Value = Action> {
    use Operation::{Create, Remove, Rename, Sync, SyncDir, Write};
    let kind = prop_oneof![Just(ErrorKind::StorageFull), Just(ErrorKind::Other)];
    let effect = prop_oneof![
        3 => kind.clone().prop_map(Effect::Error),
        1 => (1..300_usize).prop_map(Effect::Short),
        2 => (1..300_usize, kind).prop_map(|(bytes, kind)| Effect::ShortThen(bytes, kind)),
    ];
    let operation = prop_oneof![
        4 => Just(Write), 4 => Just(Sync), 1 => Just(Create), 1 => Just(Rename), 1 => Just(Remove), 2 => Just(SyncDir),
    ];
    prop_oneof![
        12 => (0..400_usize).prop_map(Action::Append),
        6 => Just(Action::Sync),
        1 => Just(Action::Rotate),
        3 => (0..=100_u8).prop_map(Action::Confirm),
        2 => Just(Action::Delete),
        2 => Just(Action::Read),
        4 => (operation, 0..4_u64, effect).prop_map(|(operation, after, effect)| Action::Fail(operation, after, effect)),
        1 => (0..3000_usize).prop_map(Action::DiskFullIn),
        1 => Just(Action::Heal),
        2 => Just(Action::Kill),
        2 => any::<u64>().prop_map(Action::CutPower),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Durable,
    Unsynced,
    Failed,
    /// Shown by an opening that came after one that failed: the kernel may have dropped it.
    Shown,
    /// Its segment is removed, though a power cut may bring it back.
    Deleted,
}

#[derive(Debug)]
struct Entry {
    sequence: Sequence,
    payload: Vec<u8>,
    told: Told,
}

struct Model {
    rig: Rig,
    opened: Option<Opened>,
    entries: Vec<Entry>,
    /// The checkpoint that stands, and those that may have come to be though an error was returned.
    confirmed: Option<(Mark, Bytes)>,
    attempted: Vec<(Mark, Bytes)>,
    payloads: u64,
    /// Whether an opening ever failed.
    shaken: bool,
    /// Whether anything was ever told to fail.
    faulty: bool,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut rig = Rig::with_segments_for(600);
        rig.fs = FaultyFs::new(seed);
        rig.config.max_record_bytes = ByteSize(390);
        rig.config.max_total_bytes = ByteSize(40_000);
        let opened = Some(rig.open());
        Self {
            rig,
            opened,
            entries: Vec::new(),
            confirmed: None,
            attempted: Vec::new(),
            payloads: 0,
            shaken: false,
            faulty: false,
        }
    }

    fn run(&mut self, action: &Action) {
        self.faulty |= matches!(action, Action::Fail(..) | Action::DiskFullIn(_));
        let opened = self.opened.as_mut().unwrap();
        match *action {
            Action::Append(length) => self.append(length),
            Action::Sync => {
                let outcome = opened.writer.sync();
                self.learn(outcome.err().map(|failure| failure.failed));
            }
            Action::Rotate => {
                let outcome = opened.writer.rotate();
                self.learn(outcome.err().map(|failure| failure.failed));
            }
            Action::Confirm(percent) => self.confirm(percent),
            Action::Delete => {
                let is_synced = opened.log.delete_confirmed(Duration::ZERO).is_ok();
                self.forget_deleted(is_synced);
            }
            Action::Read => self.read(),
            Action::Fail(operation, after, effect) => self.rig.fs.fail(operation, after, effect),
            Action::DiskFullIn(bytes) => self.rig.fs.set_capacity(Some(self.rig.fs.used() + bytes)),
            Action::Heal => self.rig.fs.heal(),
            Action::Kill => self.reopen(None),
            Action::CutPower(seed) => self.reopen(Some(seed)),
        }
    }

    fn append(&mut self, length: usize) {
        self.payloads += 1;
        let payload: Vec<u8> = self.payloads.to_le_bytes().into_iter().cycle().take(length).collect();
        let opened = self.opened.as_mut().unwrap();
        match opened.writer.append(&[IoSlice::new(&payload)]) {
            Ok(appended) => {
                // The new segment says that they are none of the log's, so their numbers may come again.
                self.entries.retain(|entry| entry.told != Told::Failed || entry.sequence < appended.sequence);
                assert!(self.entries.last().is_none_or(|last| last.sequence < appended.sequence));
                self.entries.push(Entry { sequence: appended.sequence, payload, told: Told::Unsynced });
            }
            Err(AppendError::TooLarge { bytes, limit }) => assert!(bytes > limit && limit == 390),
            Err(AppendError::Full { needed, used, limit }) => {
                assert!(used + needed > limit && used == opened.log.usage().used_bytes);
            }
            // Only a disk that was told to fail does.
            Err(AppendError::Io(_)) => assert!(self.faulty),
            Err(AppendError::GroupFailed) => {
                assert!(self.faulty);
                self.learn(None);
                let unsynced = self.entries.iter_mut().filter(|entry| entry.told == Told::Unsynced);
                unsynced.for_each(|entry| entry.told = Told::Failed);
            }
            Err(other) => panic!("{other}"),
        }
        // A full segment is synced by the append that finds it full.
        self.learn(None);
    }

    /// What the writer says is on disk, and what it says is not.
    fn learn(&mut self, failed: Option<granary_wal::Sequences>) {
        let writer = &self.opened.as_ref().unwrap().writer;
        let synced = writer.synced().sequence;
        for entry in self.entries.iter_mut().filter(|entry| entry.told == Told::Unsynced) {
            if failed.is_some_and(|failed| failed.contains(entry.sequence)) {
                entry.told = Told::Failed;
            } else if entry.sequence < synced {
                entry.told = Told::Durable;
            }
        }
        if let Some(failed) = failed {
            let told = self.entries.iter().filter(|entry| failed.contains(entry.sequence));
            assert_eq!(told.clone().count() as u64, failed.count());
            assert!(told.clone().all(|entry| entry.told == Told::Failed));
            assert!(self.entries.iter().all(|entry| entry.told != Told::Unsynced), "an error speaks of all");
        }
    }

    fn visible(&self) -> Vec<(Sequence, &[u8])> {
        let told = |entry: &&Entry| matches!(entry.told, Told::Durable | Told::Shown);
        self.entries.iter().filter(told).map(|entry| (entry.sequence, &entry.payload[..])).collect()
    }

    fn read(&mut self) {
        let opened = self.opened.as_ref().unwrap();
        let read = read_all(&opened.log);
        let pairs: Vec<_> = read.iter().map(|record| (record.sequence, &record.payload[..])).collect();
        assert_eq!(pairs, self.visible());
        for record in &read {
            assert_eq!(&opened.log.read_at(record.position).unwrap(), record);
        }
        if let Some((mark, _)) = self.confirmed {
            let rest = read_from(&opened.log, mark).unwrap();
            assert_eq!(
                rest,
                read.into_iter().filter(|record| record.sequence >= mark.sequence).collect::<Vec<_>>()
            );
        }
    }

    fn confirm(&mut self, percent: u8) {
        let opened = self.opened.as_ref().unwrap();
        let records = read_all(&opened.log);
        let Some(record) = records.get(records.len() * usize::from(percent) / 101) else { return };
        if self.confirmed.as_ref().is_some_and(|(mark, _)| record.after.position < mark.position) {
            return;
        }
        let wanted = (record.after, Bytes::from(record.sequence.to_string()));
        match opened.log.advance_checkpoint(wanted.0, wanted.1.clone()) {
            Ok(()) => {
                self.confirmed = Some(wanted);
                self.attempted.clear();
            }
            Err(_) => self.attempted.push(wanted),
        }
    }

    fn forget_deleted(&mut self, is_synced: bool) {
        let oldest = self.opened.as_ref().unwrap().log.oldest().sequence;
        let confirmed = self.confirmed.as_ref().map(|(mark, _)| mark.sequence);
        for entry in &mut self.entries {
            if entry.sequence < oldest && matches!(entry.told, Told::Durable | Told::Shown) {
                assert!(Some(entry.sequence) < confirmed, "{} is not confirmed", entry.sequence);
                entry.told = Told::Deleted;
            }
        }
        self.entries.retain(|entry| !(is_synced && entry.told == Told::Deleted));
    }

    fn reopen(&mut self, power_cut: Option<u64>) {
        self.opened = None;
        if let Some(seed) = power_cut {
            self.rig.fs.cut_power(seed);
        }
        let mut is_shown = false;
        let opened = match self.rig.try_open() {
            Ok(opened) => opened,
            Err(OpenError::Io(_)) => {
                (is_shown, self.shaken) = (true, true);
                self.rig.fs.heal();
                self.rig.open()
            }
            Err(other) => panic!("{other}"),
        };
        self.check_checkpoint(&opened);
        let confirmed = self.confirmed.as_ref().map(|(mark, _)| mark.sequence);

        let found = read_all(&opened.log);
        let oldest = found.first().map(|record| record.sequence);
        let mut rest = found.iter().peekable();
        let mut survivors = Vec::new();
        for mut entry in self.entries.drain(..) {
            if let Some(record) = rest.next_if(|record| record.sequence == entry.sequence) {
                assert_eq!(record.payload, entry.payload);
                assert!(power_cut.is_some() || entry.told != Told::Failed, "what failed is cut off at once");
                let is_still_shown = entry.told == Told::Shown && power_cut.is_none();
                if entry.told != Told::Durable {
                    entry.told = if is_shown || is_still_shown { Told::Shown } else { Told::Durable };
                }
                survivors.push(entry);
                continue;
            }
            match entry.told {
                Told::Durable => {
                    assert!(Some(entry.sequence) < confirmed, "{} is lost", entry.sequence);
                    assert!(
                        oldest.is_none_or(|oldest| entry.sequence < oldest),
                        "only the oldest are deleted"
                    );
                }
                Told::Unsynced => assert!(power_cut.is_some(), "{} outlives a kill", entry.sequence),
                Told::Failed | Told::Deleted => {}
                Told::Shown => assert!(power_cut.is_some()),
            }
            if self.shaken && power_cut.is_none() && entry.told == Told::Failed {
                // That it was cut off may not be on disk either.
                survivors.push(entry);
                continue;
            }
            let doubt =
                opened.recovery.found.missing().find(|missing| missing.sequences.contains(entry.sequence));
            assert!(
                entry.told != Told::Durable || doubt.is_none_or(|missing| missing.fate == Fate::Confirmed)
            );
        }
        assert!(rest.next().is_none(), "nothing unknown, nothing twice, nothing out of order");
        assert!(self.shaken || !opened.recovery.found.loses_data(), "{}", opened.recovery);
        self.entries = survivors;
        self.opened = Some(opened);
        self.read();
    }

    fn check_checkpoint(&mut self, opened: &Opened) {
        let found = opened.log.checkpoint().map(|checkpoint| (checkpoint.mark, checkpoint.blob));
        assert!(found == self.confirmed || self.attempted.iter().any(|tried| Some(tried) == found.as_ref()));
        self.confirmed = found;
        self.attempted.clear();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_was_synced_is_there_exactly_once_whatever_fails(
        seed in any::<u64>(),
        actions in prop::collection::vec(action(), 1..80),
    ) {
        let mut model = Model::new(seed);
        for action in &actions {
            model.run(action);
        }
        model.rig.fs.heal();
        model.reopen(Some(seed));
        // And the log is usable after all of it.
        model.run(&Action::Append(100));
        model.run(&Action::Sync);
        model.run(&Action::Read);
    }
}
