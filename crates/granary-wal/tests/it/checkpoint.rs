//! What is confirmed stays confirmed, and only that is deleted.

use std::time::Duration;

use granary_wal::{CheckpointError, Deleted, MAX_BLOB_BYTES, Mark, Position, ReadError, Sequence};

use crate::rig::{Put, Rig, payloads, read_all, read_from, sequences};

/// Room for two records of 18 bytes in each segment.
fn two_per_segment() -> Rig {
    Rig::with_segments_for(100)
}

const PAYLOAD: [u8; 18] = [8; 18];

#[test]
fn a_checkpoint_with_its_blob_outlives_a_power_cut() {
    let rig = Rig::new();
    let mut opened = rig.open();
    assert_eq!(opened.log.checkpoint(), None);
    let first = opened.writer.put_synced(b"a");
    opened.writer.put_synced(b"b");
    opened.log.advance_checkpoint(first, "old".into()).unwrap();
    opened.log.advance_checkpoint(first, vec![7; MAX_BLOB_BYTES].into()).unwrap();
    rig.fs.cut_power(3);
    let opened = rig.open();
    let checkpoint = opened.log.checkpoint().unwrap();
    assert_eq!(checkpoint.mark, first);
    assert_eq!(checkpoint.blob, vec![7; MAX_BLOB_BYTES]);
    assert_eq!(opened.recovery.resume, first);
    let rest = read_from(&opened.log, opened.recovery.resume).unwrap();
    assert_eq!(rest.into_iter().map(|record| record.payload).collect::<Vec<_>>(), [&b"b"[..]]);
}

#[test]
fn a_checkpoint_goes_neither_back_nor_beyond_what_is_on_disk() {
    let mut opened = Rig::new().open();
    let first = opened.writer.put_synced(b"a");
    let second = opened.writer.put_synced(b"b");
    opened.log.advance_checkpoint(second, "kept".into()).unwrap();
    let refused = opened.log.advance_checkpoint(first, "".into()).unwrap_err();
    assert!(
        matches!(refused, CheckpointError::Backwards { current, wanted } if current == second && wanted == first)
    );

    let unsynced = opened.writer.put(b"c").after;
    let refused = opened.log.advance_checkpoint(unsynced, "".into()).unwrap_err();
    assert!(
        matches!(refused, CheckpointError::BeyondEnd { end, wanted } if end == second && wanted == unsynced)
    );

    let refused = opened.log.advance_checkpoint(second, vec![0; MAX_BLOB_BYTES + 1].into()).unwrap_err();
    assert!(matches!(refused, CheckpointError::BlobTooLarge { .. }));
    assert_eq!(opened.log.checkpoint().unwrap().blob, "kept");
}

#[test]
fn whole_confirmed_segments_are_deleted_and_never_the_newest() {
    let rig = two_per_segment();
    let mut opened = rig.open();
    let marks: Vec<Mark> = (0..6).map(|_| opened.writer.put_synced(&PAYLOAD)).collect();
    assert_eq!(
        opened.log.delete_confirmed(Duration::ZERO).unwrap(),
        Deleted::default(),
        "nothing is confirmed"
    );

    opened.log.advance_checkpoint(marks[2], "".into()).unwrap();
    assert_eq!(opened.log.delete_confirmed(Duration::ZERO).unwrap(), Deleted { segments: 1, bytes: 4196 });
    assert_eq!(sequences(&opened.log), [3, 4, 5, 6], "the third is confirmed, but not its segment");

    opened.log.advance_checkpoint(marks[5], "".into()).unwrap();
    assert_eq!(opened.log.delete_confirmed(Duration::ZERO).unwrap().segments, 1);
    assert_eq!(sequences(&opened.log), [5, 6], "the newest stays, though it is confirmed");
    drop(opened);

    let mut opened = rig.open();
    assert_eq!(opened.recovery.found.problems, []);
    assert_eq!(opened.writer.put(&PAYLOAD).sequence, Sequence::new(7));
}

#[test]
fn confirmed_segments_are_kept_for_the_time_asked() {
    let rig = two_per_segment();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let mut opened = rig.open();
    let marks: Vec<Mark> = (0..6).map(|_| opened.writer.put_synced(&PAYLOAD)).collect();
    opened.log.advance_checkpoint(marks[1], "".into()).unwrap();
    rig.fs.advance(minutes(4));
    opened.log.advance_checkpoint(marks[3], "".into()).unwrap();
    assert_eq!(opened.log.delete_confirmed(minutes(5)).unwrap().segments, 0);
    rig.fs.advance(minutes(1));
    assert_eq!(opened.log.delete_confirmed(minutes(5)).unwrap().segments, 1);
    assert_eq!(sequences(&opened.log), [3, 4, 5, 6]);
    drop(opened);

    let opened = rig.open();
    rig.fs.advance(minutes(4));
    assert_eq!(opened.log.delete_confirmed(minutes(5)).unwrap().segments, 0, "counted from the opening");
    assert_eq!(read_all(&opened.log).len(), 4, "and can be read again until then");
    rig.fs.advance(minutes(1));
    assert_eq!(opened.log.delete_confirmed(minutes(5)).unwrap().segments, 1);
}

#[test]
fn a_reader_whose_place_is_deleted_says_so_and_one_at_its_end_goes_on() {
    let rig = two_per_segment();
    let mut opened = rig.open();
    let oldest = opened.log.oldest();
    let marks: Vec<Mark> = (0..4).map(|_| opened.writer.put_synced(&PAYLOAD)).collect();
    let mut early = opened.log.read_from(oldest);
    early.next_record().unwrap();
    let mut between = opened.log.read_from(marks[1]);
    opened.log.advance_checkpoint(marks[1], "".into()).unwrap();
    opened.log.delete_confirmed(Duration::ZERO).unwrap();

    let deleted = early.next_record().unwrap_err();
    assert!(matches!(deleted, ReadError::Deleted { oldest, .. } if oldest == opened.log.oldest()));
    assert!(matches!(opened.log.read_at(oldest.position), Err(ReadError::Deleted { .. })));
    assert_eq!(between.next_record().unwrap().unwrap().sequence.get(), 3);
    drop((opened, early, between));

    let opened = rig.open();
    assert_eq!(opened.recovery.resume, marks[1]);
    assert_eq!(read_from(&opened.log, opened.recovery.resume).unwrap().len(), 2);
    assert_eq!(opened.recovery.found.problems, []);
}

#[test]
fn a_rotated_log_can_be_deleted_up_to_what_comes_next() {
    let rig = Rig::new();
    let mut opened = rig.open();
    opened.writer.put(b"old");
    let mark = opened.writer.rotate().unwrap();
    opened.log.advance_checkpoint(mark, "".into()).unwrap();
    assert_eq!(opened.log.delete_confirmed(Duration::ZERO).unwrap().segments, 0, "it is the newest still");
    opened.writer.put_synced(b"new");
    assert_eq!(opened.log.delete_confirmed(Duration::ZERO).unwrap().segments, 1);
    assert_eq!(payloads(&opened.log), [b"new"]);
}

#[test]
fn the_end_of_an_empty_log_can_be_confirmed() {
    let rig = Rig::new();
    let opened = rig.open();
    let end = opened.log.end();
    assert_eq!(end, opened.log.oldest());
    opened.log.advance_checkpoint(end, "early".into()).unwrap();
    drop(opened);
    let mut opened = rig.open();
    assert_eq!(opened.recovery.found.problems, []);
    opened.writer.put_synced(b"a");
    assert_eq!(read_from(&opened.log, opened.recovery.resume).unwrap().len(), 1);
    let beyond = Mark::new(Position::new(end.position.segment, u64::MAX), Sequence::FIRST);
    assert_eq!(
        read_from(&opened.log, beyond).unwrap().len(),
        1,
        "a place behind a segment is before the next"
    );
}
