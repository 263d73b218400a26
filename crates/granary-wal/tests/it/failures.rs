//! When the disk refuses, the request is refused, the log stays usable, and nothing that was called synced is
//! lost.

use std::io::{ErrorKind, IoSlice};
use std::time::Duration;

use granary_wal::testing::{Effect, Operation};
use granary_wal::{AppendError, CheckpointError, ReadError, Sequences};

use crate::rig::{Put, Rig, payloads, read_all, sequence, sequences};

const NO_SPACE: Effect = Effect::Error(ErrorKind::StorageFull);
const BROKEN: Effect = Effect::Error(ErrorKind::Other);

fn refuse(opened: &mut granary_wal::Opened, payload: &[u8]) -> AppendError {
    opened.writer.append(&[IoSlice::new(payload)]).unwrap_err()
}

#[test]
fn a_refused_write_costs_only_its_own_payload() {
    for effect in [
        NO_SPACE,
        BROKEN,
        Effect::ShortThen(1, ErrorKind::StorageFull),
        Effect::ShortThen(40, ErrorKind::Other),
    ] {
        let rig = Rig::new();
        let mut opened = rig.open();
        opened.writer.put(b"before, not synced");
        rig.fs.fail(Operation::Write, 0, effect);
        let refused = refuse(&mut opened, b"refused payload");
        assert!(refused.is_transient());
        let AppendError::Io(failure) = refused else { panic!("{refused}") };
        assert_eq!(failure.is_out_of_room(), !matches!(effect, BROKEN | Effect::ShortThen(40, _)));
        assert_eq!(rig.segment_size(1), 4096 + 32 + 18, "the file is as before");
        opened.writer.put_synced(b"after");
        rig.fs.cut_power(1);
        let opened = rig.open();
        assert_eq!(payloads(&opened.log), [&b"before, not synced"[..], b"after"]);
        assert_eq!(sequences(&opened.log), [1, 2]);
        assert_eq!(opened.recovery.found.problems, []);
    }
}

#[test]
fn a_short_write_is_continued() {
    for bytes in [1, 31, 32, 33, 50] {
        let rig = Rig::new();
        let mut opened = rig.open();
        opened.writer.put(b"before");
        rig.fs.fail(Operation::Write, 0, Effect::Short(bytes));
        opened.writer.append(&[IoSlice::new(b"in two "), IoSlice::new(b"pieces at least")]).unwrap();
        rig.fs.fail(Operation::Write, 0, Effect::Error(ErrorKind::Interrupted));
        opened.writer.put_synced(b"after");
        assert_eq!(payloads(&opened.log), [&b"before"[..], b"in two pieces at least", b"after"]);
    }
}

#[test]
fn nothing_is_appended_over_what_could_not_be_cut_off() {
    let rig = Rig::new();
    let mut opened = rig.open();
    opened.writer.put_synced(b"before");
    rig.fs.fail(Operation::Write, 0, Effect::ShortThen(60, ErrorKind::Other));
    rig.fs.fail(Operation::SetLength, 0, BROKEN);
    rig.fs.fail(Operation::SetLength, 1, BROKEN);
    refuse(&mut opened, &[1; 100]);
    refuse(&mut opened, b"the remains are still there");
    opened.writer.put_synced(b"after");
    assert_eq!(payloads(&opened.log), [&b"before"[..], b"after"]);
    drop(opened);
    assert_eq!(rig.open().recovery.found.problems, []);
}

#[test]
fn a_full_disk_refuses_until_there_is_room() {
    let rig = Rig::with_segments_for(400);
    let mut opened = rig.open();
    opened.writer.put_synced(&[1; 100]);
    for room in 0..500 {
        rig.fs.set_capacity(Some(rig.fs.used() + room));
        let refused = refuse(&mut opened, &[2; 600]);
        assert!(matches!(&refused, AppendError::Io(failure) if failure.is_out_of_room()), "{refused}");
    }
    rig.fs.set_capacity(None);
    opened.writer.put_synced(&[3; 600]);
    rig.fs.cut_power(9);
    let opened = rig.open();
    assert_eq!(payloads(&opened.log), [vec![1; 100], vec![3; 600]]);
    assert_eq!(opened.recovery.found.problems, []);
}

#[test]
fn a_failed_sync_fails_its_group_and_is_never_made_good_by_another() {
    for seed in 0..60 {
        let mut rig = Rig::new();
        rig.fs = granary_wal::testing::FaultyFs::new(seed);
        let mut opened = rig.open();
        opened.writer.put(b"one");
        opened.writer.put_synced(b"two");
        opened.writer.put(b"three");
        opened.writer.put(b"four");
        rig.fs.fail(Operation::Sync, 0, BROKEN);
        let failure = opened.writer.sync().unwrap_err();
        assert_eq!(failure.failed, Sequences::new(sequence(3), sequence(5)));
        assert_eq!(payloads(&opened.log), [b"one", b"two"]);
        assert_eq!(opened.writer.sync().unwrap(), opened.log.end(), "there is nothing left to sync");

        let after = opened.writer.put(b"five");
        assert_eq!(
            (after.sequence.get(), after.position.segment.get()),
            (5, 2),
            "a new segment, and no number twice"
        );
        opened.writer.sync().unwrap();
        assert_eq!(sequences(&opened.log), [1, 2, 5]);
        rig.fs.cut_power(seed);
        let opened = rig.open();
        assert_eq!(sequences(&opened.log), [1, 2, 5], "seed {seed}");
        assert_eq!(opened.recovery.found.problems, [], "given up is not damaged");
    }
}

#[test]
fn a_failed_sync_is_not_undone_by_a_new_life() {
    for seed in 0..60 {
        let rig = Rig::new();
        let mut opened = rig.open();
        opened.writer.put_synced(b"one");
        opened.writer.put(b"two");
        rig.fs.fail(Operation::Sync, 0, BROKEN);
        opened.writer.sync().unwrap_err();
        drop(opened);
        // The kernel still shows what it will never write.
        let shown = sequences(&rig.open().log);
        rig.fs.cut_power(seed);
        assert_eq!(sequences(&rig.open().log), shown);
    }
}

#[test]
fn a_sync_that_fails_because_the_segment_is_full_fails_the_group() {
    let rig = Rig::with_segments_for(100);
    let mut opened = rig.open();
    opened.writer.put_synced(b"one");
    opened.writer.put(b"two");
    rig.fs.fail(Operation::Sync, 0, BROKEN);
    assert!(matches!(refuse(&mut opened, &[3; 60]), AppendError::GroupFailed));
    assert!(
        matches!(refuse(&mut opened, b"four"), AppendError::GroupFailed),
        "until it is told which are lost"
    );
    let failure = opened.writer.sync().unwrap_err();
    assert_eq!(failure.failed, Sequences::new(sequence(2), sequence(3)));
    assert_eq!(
        failure.to_string(),
        "the records 2 are not known to be on disk: syncing /log/00000000000000000001.wal: other error"
    );
    opened.writer.put_synced(b"five");
    assert_eq!(payloads(&opened.log), [&b"one"[..], b"five"]);
}

#[test]
fn a_segment_that_cannot_be_made_refuses_the_append_and_is_made_by_the_next() {
    let steps = [Operation::Create, Operation::Write, Operation::Sync, Operation::Rename, Operation::SyncDir];
    for operation in steps {
        for effect in [NO_SPACE, BROKEN] {
            let rig = Rig::new();
            let mut opened = rig.open();
            opened.writer.put(b"one");
            opened.writer.rotate().unwrap();
            for _ in 0..3 {
                rig.fs.fail(operation, 0, effect);
                assert!(matches!(refuse(&mut opened, b"refused"), AppendError::Io(_)), "{operation:?}");
            }
            // Nothing goes to the closed segment, whose end the unfinished one may have announced on disk.
            let next = opened.writer.put(b"two");
            assert_eq!((next.sequence.get(), next.position.segment.get()), (2, 2));
            opened.writer.sync().unwrap();
            rig.fs.cut_power(5);
            let opened = rig.open();
            assert_eq!(payloads(&opened.log), [b"one", b"two"], "{operation:?}");
            assert_eq!(opened.recovery.found.problems, [], "{operation:?}");
        }
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_old_one() {
    let steps = [Operation::Create, Operation::Write, Operation::Sync, Operation::Rename, Operation::SyncDir];
    for (seed, operation) in (0..).zip(steps) {
        let rig = Rig::new();
        let mut opened = rig.open();
        let first = opened.writer.put_synced(b"one");
        let second = opened.writer.put_synced(b"two");
        opened.log.advance_checkpoint(first, "old".into()).unwrap();
        rig.fs.fail(operation, 0, BROKEN);
        let refused = opened.log.advance_checkpoint(second, "new".into()).unwrap_err();
        assert!(matches!(refused, CheckpointError::Io(_)));
        assert_eq!(opened.log.checkpoint().unwrap().mark, first);
        rig.fs.cut_power(seed);
        let opened = rig.open();
        let found = opened.log.checkpoint().unwrap();
        assert!(
            (found.mark, &found.blob[..]) == (first, b"old")
                || (found.mark, &found.blob[..]) == (second, b"new")
        );
        opened.log.advance_checkpoint(second, "newer".into()).unwrap();
    }
}

#[test]
fn a_deletion_that_fails_is_continued_by_the_next() {
    for (operation, left) in [(Operation::Remove, 3), (Operation::SyncDir, 2)] {
        let rig = Rig::with_segments_for(50);
        let mut opened = rig.open();
        for _ in 0..5 {
            opened.writer.put_synced(b"one per segment");
        }
        let end = opened.log.end();
        opened.log.advance_checkpoint(end, "".into()).unwrap();
        rig.fs.fail(operation, 2, BROKEN);
        opened.log.delete_confirmed(Duration::ZERO).unwrap_err();
        assert_eq!(opened.log.usage().segments, left);
        assert_eq!(sequences(&opened.log).len(), left, "what is gone is not read");
        assert_eq!(opened.log.delete_confirmed(Duration::ZERO).unwrap().segments, left as u64 - 1);
        assert_eq!(sequences(&opened.log), [5]);
        assert_eq!(opened.log.usage().used_bytes, rig.segment_size(5));
    }
}

#[test]
fn no_segment_is_removed_while_the_removal_before_it_may_come_back() {
    let rig = Rig::with_segments_for(50);
    let mut opened = rig.open();
    for _ in 0..5 {
        opened.writer.put_synced(b"one per segment");
    }
    let end = opened.log.end();
    opened.log.advance_checkpoint(end, "".into()).unwrap();
    for _ in 0..3 {
        rig.fs.fail(Operation::SyncDir, 0, BROKEN);
        opened.log.delete_confirmed(Duration::ZERO).unwrap_err();
        assert_eq!(opened.log.usage().segments, 4);
    }
    assert_eq!(opened.log.delete_confirmed(Duration::ZERO).unwrap().segments, 3);
}

#[test]
fn a_failed_read_does_not_move_the_reader() {
    let rig = Rig::new();
    let mut opened = rig.open();
    opened.writer.put(b"one");
    opened.writer.put_synced(&vec![2; 200_000]);
    let mut reader = opened.log.read_from(opened.log.oldest());
    let mut records = Vec::new();
    for after in [0, 0, 1, 0] {
        rig.fs.fail(Operation::Read, after, BROKEN);
        rig.fs.fail(Operation::Read, after + 1, Effect::Short(3));
        match reader.next_record() {
            Ok(record) => records.extend(record),
            Err(ReadError::Io(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    rig.fs.heal();
    while let Some(record) = reader.next_record().unwrap() {
        records.push(record);
    }
    assert_eq!(records, read_all(&opened.log));
    assert!(rig.fs.faults_reached() >= 4);
}

#[test]
fn a_read_error_while_opening_refuses_and_changes_nothing() {
    let rig = Rig::new();
    rig.written(&[b"one", b"two"]);
    for after in 0..2 {
        rig.fs.fail(Operation::Read, after, BROKEN);
        let refused = rig.try_open().map(|_| ()).unwrap_err();
        assert_eq!(refused.to_string(), "reading /log/00000000000000000001.wal: other error");
        rig.fs.heal();
    }
    assert_eq!(payloads(&rig.open().log), [b"one", b"two"]);
}

#[test]
fn a_full_disk_does_not_keep_a_damaged_log_from_being_opened() {
    let rig = Rig::new();
    rig.written(&[b"one", b"two", b"three"]);
    rig.fs.corrupt(&rig.segment(1), |content| content[4096 + 32 + 3] ^= 1);
    rig.fs.set_capacity(Some(rig.fs.used()));
    let opened = rig.open();
    assert_eq!(opened.recovery.quarantined.len(), 0);
    assert_eq!(opened.recovery.not_quarantined.len(), 1, "{}", opened.recovery);
    assert_eq!(payloads(&opened.log), [&b"one"[..], b"three"]);
    drop(opened);
    rig.fs.set_capacity(None);
    assert_eq!(rig.open().recovery.quarantined.len(), 1);
}
