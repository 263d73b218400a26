//! What is appended and synced is read back, whole, once and in order.

use std::io::IoSlice;
use std::thread;

use granary_wal::{Config, Position, ReadError, SegmentNumber, open};
use proptest::prelude::*;

use crate::rig::{Put, Rig, payloads, read_all, sequences};

#[test]
fn what_is_synced_is_read_back_from_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new(dir.path().join("deep").join("log"));
    let mut opened = open(&config).unwrap();
    for payload in [&b"one"[..], b"two", b"three"] {
        opened.writer.put(payload);
    }
    opened.writer.rotate().unwrap();
    opened.writer.put_synced(b"four");
    assert_eq!(payloads(&opened.log), [&b"one"[..], b"two", b"three", b"four"]);
    drop(opened);

    let reopened = open(&config).unwrap();
    assert_eq!(reopened.recovery.found.problems, []);
    assert_eq!(payloads(&reopened.log), [&b"one"[..], b"two", b"three", b"four"]);
}

#[test]
fn what_is_not_synced_is_not_read() {
    let rig = Rig::new();
    let mut opened = rig.open();
    opened.writer.put_synced(b"synced");
    opened.writer.put(b"only appended");
    assert_eq!(payloads(&opened.log), [b"synced"]);
    opened.writer.sync().unwrap();
    assert_eq!(payloads(&opened.log), [&b"synced"[..], b"only appended"]);
}

#[test]
fn a_payload_in_pieces_is_read_as_one() {
    let mut opened = Rig::new().open();
    let pieces = [&b""[..], b"in ", b"", b"pieces", b""].map(IoSlice::new);
    opened.writer.append(&pieces).unwrap();
    opened.writer.sync().unwrap();
    assert_eq!(payloads(&opened.log), [b"in pieces"]);
}

#[test]
fn an_empty_payload_is_a_record() {
    let mut opened = Rig::new().open();
    opened.writer.append(&[]).unwrap();
    opened.writer.put_synced(b"next");
    assert_eq!(payloads(&opened.log), [&b""[..], b"next"]);
}

#[test]
fn a_reader_at_the_end_goes_on_when_there_is_more() {
    let rig = Rig::with_segments_for(100);
    let mut opened = rig.open();
    let mut reader = opened.log.read_from(opened.log.oldest());
    for number in 0..20_u8 {
        assert!(reader.next_record().unwrap().is_none());
        opened.writer.put_synced(&[number; 40]);
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!(record.payload, vec![number; 40]);
        assert_eq!(record.sequence.get(), u64::from(number) + 1);
        assert_eq!(reader.mark(), record.after);
    }
    assert!(rig.fs.names(&rig.config.dir).len() > 5, "the reader went through many segments");
}

#[test]
fn a_reader_made_from_any_mark_goes_on_there() {
    let mut opened = Rig::with_segments_for(200).open();
    for number in 0..30_u8 {
        opened.writer.put_synced(&[number; 30]);
    }
    let all = read_all(&opened.log);
    for (index, record) in all.iter().enumerate() {
        let mut reader = opened.log.read_from(record.after);
        assert_eq!(reader.next_record().unwrap().as_ref(), all.get(index + 1));
    }
}

#[test]
fn a_record_is_read_at_its_position_and_nothing_elsewhere() {
    let mut opened = Rig::new().open();
    let positions: Vec<Position> = (0..5_u8).map(|number| opened.writer.put(&[number; 9]).position).collect();
    opened.writer.sync().unwrap();
    let beyond = opened.writer.put(b"not synced").position;
    assert!(positions.is_sorted());
    for (number, position) in positions.iter().enumerate() {
        let text = position.to_string();
        let record = opened.log.read_at(text.parse().unwrap()).unwrap();
        assert_eq!(record.payload, vec![u8::try_from(number).unwrap(); 9]);
        assert_eq!(record.position, *position);
    }
    let within = Position::new(SegmentNumber::FIRST, positions[1].offset + 1);
    for nowhere in
        [within, beyond, Position::new(SegmentNumber::FIRST, 0), Position::new(SegmentNumber::new(9), 4096)]
    {
        assert!(matches!(opened.log.read_at(nowhere), Err(ReadError::NoRecord { .. })), "{nowhere}");
    }
}

#[test]
fn a_position_is_text_and_only_its_own_text() {
    let position = Position::new(SegmentNumber::new(12), 4096);
    assert_eq!(position.to_string(), "12:4096");
    assert_eq!(serde_json::to_string(&position).unwrap(), "\"12:4096\"");
    assert_eq!(serde_json::from_str::<Position>("\"12:4096\"").unwrap(), position);
    for wrong in
        ["", "12", ":", "12:", ":7", "+1:2", "1:+2", "1:2:3", "a:b", "1: 2", "99999999999999999999:1"]
    {
        assert!(wrong.parse::<Position>().is_err(), "{wrong:?}");
    }
}

#[test]
fn readers_beside_the_writer_see_each_record_once() {
    const RECORDS: u64 = 400;
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::new(dir.path());
    config.segment_bytes = bytesize::ByteSize::kib(16);
    let mut opened = open(&config).unwrap();
    let log = opened.log.clone();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut reader = log.read_from(log.oldest());
                    let mut seen = 0;
                    while seen < RECORDS {
                        match reader.next_record().unwrap() {
                            None => thread::yield_now(),
                            Some(record) => {
                                seen += 1;
                                assert_eq!(record.sequence.get(), seen);
                                assert_eq!(record.payload, seen.to_le_bytes().repeat(40));
                            }
                        }
                    }
                })
            })
            .collect();
        for number in 1..=RECORDS {
            opened.writer.put(&number.to_le_bytes().repeat(40));
            if number % 16 == 0 {
                opened.writer.sync().unwrap();
            }
        }
        opened.writer.sync().unwrap();
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn sequences_go_on_over_openings() {
    let rig = Rig::new();
    for _ in 0..4 {
        rig.written(&[b"a", b"b"]);
    }
    let opened = rig.open();
    assert_eq!(sequences(&opened.log), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(opened.recovery.found.problems, []);
}

#[test]
fn opening_without_appending_leaves_no_segment_behind() {
    let rig = Rig::new();
    rig.written(&[b"a"]);
    for _ in 0..5 {
        drop(rig.open());
    }
    assert_eq!(rig.open().log.usage().segments, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn payloads_of_any_size_come_back(
        lengths in prop::collection::vec(prop_oneof![0..200_usize, 60_000..140_000_usize], 1..12),
        room in 1..200_000_u64,
    ) {
        let rig = Rig::with_segments_for(room);
        let mut opened = rig.open();
        let wanted: Vec<Vec<u8>> = lengths
            .iter()
            .enumerate()
            .map(|(number, length)| (0..*length).map(|byte| (byte * 31 + number).to_le_bytes()[0]).collect())
            .collect();
        for payload in &wanted {
            opened.writer.put(payload);
        }
        opened.writer.sync().unwrap();
        prop_assert_eq!(&payloads(&opened.log), &wanted);
        drop(opened);
        let reopened = rig.open();
        prop_assert_eq!(&reopened.recovery.found.problems, &[]);
        prop_assert_eq!(&payloads(&reopened.log), &wanted);
    }
}
