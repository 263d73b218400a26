//! Whatever happens to the bytes, no wrong payload comes out, and what is not touched is still there.

use granary_wal::testing::survive;
use granary_wal::{Problem, ReadError, SEGMENT_HEADER_BYTES};
use proptest::prelude::*;

use crate::rig::{Put, Rig, payloads, read_all, sequences};

const PAYLOADS: [&[u8]; 5] = [b"zero", b"", b"the second record", b"third", b"last"];

#[test]
fn a_flipped_bit_in_any_byte_of_any_record_costs_only_that_record() {
    let whole = Rig::new();
    whole.written(&PAYLOADS);
    let records = read_all(&whole.open().log);
    let content = whole.fs.content(&whole.segment(1)).unwrap();
    for at in usize::try_from(SEGMENT_HEADER_BYTES).unwrap()..content.len() {
        for bit in [0, 3, 7] {
            let rig = Rig::new();
            let mut changed = content.clone();
            changed[at] ^= 1 << bit;
            rig.fs.put(&rig.segment(1), changed);
            let opened = rig.open();

            let hit = records.iter().position(|record| (at as u64) < record.after.position.offset).unwrap();
            let mut wanted = records.clone();
            wanted.remove(hit);
            assert_eq!(read_all(&opened.log), wanted, "byte {at}, bit {bit}");
            let problems = &opened.recovery.found.problems;
            if hit + 1 == records.len() {
                assert!(
                    matches!(problems[..], [Problem::TornTail { .. }]),
                    "byte {at}, bit {bit}: {problems:?}"
                );
            } else {
                let [problem @ Problem::Damaged(damage)] = &problems[..] else { panic!("{problems:?}") };
                assert_eq!(problem.missing().len(), 1);
                assert_eq!(problem.missing()[0].sequences.first, records[hit].sequence);
                assert_eq!(problem.missing()[0].sequences.count(), 1);
                assert_eq!(damage.from, records[hit].position.offset);
                assert_eq!(damage.to, records[hit].after.position.offset);
            }
        }
    }
}

#[test]
fn a_byte_that_goes_bad_under_an_open_log_is_reported_by_the_reader() {
    let rig = Rig::new();
    let mut opened = rig.open();
    for payload in PAYLOADS {
        opened.writer.put(payload);
    }
    opened.writer.sync().unwrap();
    let records = read_all(&opened.log);
    let last = usize::try_from(records[4].after.position.offset).unwrap();
    for at in usize::try_from(SEGMENT_HEADER_BYTES).unwrap()..last {
        rig.fs.corrupt(&rig.segment(1), |content| content[at] ^= 4);
        let hit = records.iter().position(|record| (at as u64) < record.after.position.offset).unwrap();
        let mut reader = opened.log.read_from(opened.log.oldest());
        let mut seen = Vec::new();
        loop {
            match reader.next_record() {
                Ok(Some(record)) => seen.push(record),
                Ok(None) => break,
                Err(ReadError::Damaged(damage)) => {
                    assert_eq!(damage.missing[0].sequences.first, records[hit].sequence);
                    assert_eq!(damage.missing[0].sequences.count(), 1);
                    assert_eq!(damage.from, records[hit].position.offset);
                }
                Err(other) => panic!("{other}"),
            }
        }
        let mut wanted = records.clone();
        wanted.remove(hit);
        assert_eq!(seen, wanted, "byte {at}");
        assert!(matches!(opened.log.read_at(records[hit].position), Err(ReadError::NoRecord { .. })));
        rig.fs.corrupt(&rig.segment(1), |content| content[at] ^= 4);
    }
    assert_eq!(read_all(&opened.log), records);
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_header_costs_nothing() {
    let whole = Rig::new();
    whole.written(&PAYLOADS);
    let content = whole.fs.content(&whole.segment(1)).unwrap();
    for at in (0..64).chain(2048..2112) {
        let rig = Rig::new();
        let mut changed = content.clone();
        changed[at] ^= 0x10;
        rig.fs.put(&rig.segment(1), changed);
        let opened = rig.open();
        assert_eq!(payloads(&opened.log), PAYLOADS, "byte {at}");
        assert!(
            matches!(opened.recovery.found.problems[..], [Problem::HeaderCopyDamaged { .. }]),
            "byte {at}"
        );
    }
}

#[test]
fn a_segment_without_header_is_put_aside_and_its_numbers_are_not_given_again() {
    let rig = Rig::new();
    rig.written(&[b"kept"]);
    rig.written(&PAYLOADS);
    rig.fs.corrupt(&rig.segment(2), |content| content[..4096].fill(0));
    for life in 0..3_u8 {
        let mut opened = rig.open();
        assert_eq!(opened.recovery.quarantined.len(), usize::from(life == 0));
        assert_eq!(
            opened.recovery.found.loses_data(),
            life == 0,
            "a loss is announced before anything is appended"
        );
        let new = opened.writer.put(b"new");
        assert!(new.sequence.get() > 6, "{}", new.sequence);
        let mark = opened.writer.sync().unwrap();
        assert_eq!(payloads(&opened.log).len(), 2 + usize::from(life));
        if life == 2 {
            opened.log.advance_checkpoint(mark, "".into()).unwrap();
            opened.log.delete_confirmed(std::time::Duration::ZERO).unwrap();
        }
    }
    let opened = rig.open();
    assert_eq!(opened.recovery.found.problems, [], "it is deleted like any other");
}

#[test]
fn what_looks_like_a_record_in_a_payload_is_never_taken_for_one() {
    let rig = Rig::new();
    let mut opened = rig.open();
    opened.writer.put_synced(b"a record that is copied");
    // Its bytes, and the same with the sequence that would fit.
    let mut inner = rig.fs.content(&rig.segment(1)).unwrap().split_off(4096);
    let mut renumbered = inner.clone();
    renumbered[8] = 2;
    let crc = crc32c::crc32c(&renumbered[..28]);
    renumbered[28..32].copy_from_slice(&crc.to_le_bytes());
    inner.extend_from_slice(&renumbered);
    opened.writer.put(&inner);
    opened.writer.put_synced(b"after");
    let outer = read_all(&opened.log)[1].position.offset;
    drop(opened);
    for at in outer..outer + 32 {
        let rig_content = rig.fs.content(&rig.segment(1)).unwrap();
        let other = Rig::new();
        other.fs.put(&other.segment(1), rig_content);
        other.fs.corrupt(&other.segment(1), |content| content[usize::try_from(at).unwrap()] ^= 0x20);
        assert_eq!(payloads(&other.open().log), [&b"a record that is copied"[..], b"after"]);
    }
}

#[test]
fn records_of_another_segment_are_never_taken() {
    let rig = Rig::new();
    rig.written(&[b"one", b"two"]);
    rig.written(&[b"three", b"four"]);
    let first = rig.fs.content(&rig.segment(1)).unwrap();
    rig.fs.corrupt(&rig.segment(2), |content| {
        content.truncate(4096);
        content.extend_from_slice(&first[4096..]);
    });
    assert_eq!(payloads(&rig.open().log), [b"one", b"two"]);

    // A file under another segment's name is none.
    rig.fs.put(&rig.segment(3), first);
    assert_eq!(sequences(&rig.open().log), [1, 2]);
}

#[test]
fn a_checkpoint_with_any_byte_changed_is_reported_and_not_used() {
    let whole = Rig::new();
    let mut opened = whole.open();
    opened.writer.put_synced(b"a");
    let mark = opened.writer.put_synced(b"b");
    opened.log.advance_checkpoint(mark, "blob".into()).unwrap();
    drop(opened);
    let path = whole.config.dir.join("checkpoint");
    let (segment, content) = (whole.fs.content(&whole.segment(1)).unwrap(), whole.fs.content(&path).unwrap());
    let spoiled = (0..content.len()).map(|at| {
        let mut spoiled = content.clone();
        spoiled[at] ^= 1;
        spoiled
    });
    let cut = (0..content.len()).map(|at| content[..at].to_vec());
    let longer = [[&content[..], b"x"].concat(), [&content[..], &vec![0; 70_000]].concat()];
    for changed in spoiled.chain(cut).chain(longer) {
        let rig = Rig::new();
        rig.fs.put(&rig.segment(1), segment.clone());
        rig.fs.put(&path, changed);
        let opened = rig.open();
        assert!(matches!(opened.recovery.found.problems[..], [Problem::CheckpointDamaged { .. }]));
        assert_eq!(opened.log.checkpoint(), None);
        assert_eq!(opened.recovery.resume, opened.log.oldest());
        assert_eq!(payloads(&opened.log), [b"a", b"b"]);
        assert_eq!(opened.recovery.quarantined.len(), 1);
        opened.log.advance_checkpoint(mark, "blob".into()).unwrap();
        drop(opened);
        assert_eq!(rig.open().recovery.found.problems, []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_log_survives_whatever_is_done_to_its_files(script in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&script);
    }
}
