//! What opening finds after a crash, what it makes of it, and what it says.

use granary_wal::{
    CheckpointReport, Damage, Fate, Missing, OpenError, Problem, SEGMENT_HEADER_BYTES, SegmentNumber,
    Sequences, inspect_on, verify_on,
};

use crate::rig::{Put, Rig, payloads, sequence, sequences};

const ONE: SegmentNumber = SegmentNumber::new(1);
const TWO: SegmentNumber = SegmentNumber::new(2);

fn missing(first: u64, end: u64, fate: Fate) -> Missing {
    Missing { sequences: Sequences::new(sequence(first), sequence(end)), fate }
}

#[test]
fn the_last_record_cut_at_any_byte_costs_only_itself() {
    let whole = Rig::new();
    whole.written(&[b"first", b"second", b"the last one"]);
    let content = whole.fs.content(&whole.segment(1)).unwrap();
    let last = content.len() - 12 - 32;
    for cut in last..content.len() {
        let rig = Rig::new();
        rig.fs.put(&rig.segment(1), content[..cut].to_vec());
        let mut opened = rig.open();
        assert_eq!(payloads(&opened.log), [&b"first"[..], b"second"], "cut at {cut}");
        let torn = Problem::TornTail { segment: ONE, from: last as u64, bytes: (cut - last) as u64 };
        assert_eq!(opened.recovery.found.problems, if cut == last { vec![] } else { vec![torn] });
        assert!(!opened.recovery.found.loses_data());

        let after = opened.writer.put(b"after").sequence;
        opened.writer.sync().unwrap();
        assert!(
            after > sequence(2) && (cut == last || after > sequence(3)),
            "a number may have been used: {after}"
        );
        drop(opened);
        let again = rig.open();
        assert_eq!(again.recovery.found.problems, [], "what is behind the announced end is no problem");
        assert_eq!(payloads(&again.log), [&b"first"[..], b"second", b"after"]);
    }
}

#[test]
fn the_newest_segment_cut_in_its_header_is_removed() {
    for cut in 0..SEGMENT_HEADER_BYTES {
        let rig = Rig::new();
        let mut opened = rig.open();
        opened.writer.put_synced(b"kept");
        opened.writer.rotate().unwrap();
        opened.writer.put(b"never synced");
        drop(opened);
        rig.fs.corrupt(&rig.segment(2), |content| content.truncate(usize::try_from(cut).unwrap()));

        let mut opened = rig.open();
        assert_eq!(opened.recovery.removed, [TWO.file_name()]);
        opened.writer.put_synced(b"next");
        assert_eq!(payloads(&opened.log), [&b"kept"[..], b"next"]);
        if cut > 8 {
            // Each length matters for the check of the size only; a few are enough for the rest.
            break;
        }
    }
}

#[test]
fn unfinished_files_are_removed_and_strange_ones_left() {
    let rig = Rig::new();
    rig.written(&[b"kept"]);
    for name in ["00000000000000000002.wal.tmp", "checkpoint.tmp", "notes.txt", "7.wal"] {
        rig.fs.put(&rig.config.dir.join(name), b"whatever".to_vec());
    }
    let opened = rig.open();
    assert_eq!(opened.recovery.removed, ["00000000000000000002.wal.tmp", "checkpoint.tmp"]);
    let left = rig.fs.names(&rig.config.dir);
    assert_eq!(left, ["00000000000000000001.wal", "7.wal", "notes.txt"]);
    assert_eq!(
        rig.try_open().map(|_| ()).unwrap_err().to_string(),
        "the log in /log is in use by another process",
        "and the log is open"
    );
}

#[test]
fn a_killed_process_loses_nothing_that_was_appended() {
    let rig = Rig::new();
    let mut opened = rig.open();
    opened.writer.put_synced(b"synced");
    opened.writer.put(b"appended");
    drop(opened);

    drop(rig.open());
    // What opening has shown is on disk.
    rig.fs.cut_power(1);
    let opened = rig.open();
    assert_eq!(payloads(&opened.log), [&b"synced"[..], b"appended"]);
    assert_eq!(opened.recovery.found.problems, []);
}

#[test]
fn damage_in_the_middle_is_quarantined_and_the_rest_read() {
    let rig = Rig::new();
    let mut opened = rig.open();
    let first = opened.writer.put(b"first");
    let second = opened.writer.put(b"second");
    opened.writer.put_synced(b"third");
    opened.writer.put_synced(b"fourth");
    drop(opened);
    let (from, to) = (first.after.position.offset, second.after.position.offset);
    rig.fs.corrupt(&rig.segment(1), |content| content[usize::try_from(from).unwrap() + 33] ^= 1);

    let opened = rig.open();
    assert_eq!(payloads(&opened.log), [&b"first"[..], b"third", b"fourth"]);
    let damage = Damage { segment: ONE, from, to, missing: vec![missing(2, 3, Fate::Lost)] };
    assert_eq!(opened.recovery.found.problems, [Problem::Damaged(damage)]);
    assert!(opened.recovery.found.loses_data());
    let copy = format!("00000000000000000001-{from}-{to}.damaged");
    assert_eq!(opened.recovery.quarantined, [copy.as_str()]);
    let content = rig.fs.content(&rig.segment(1)).unwrap();
    let kept = rig.fs.content(&rig.config.dir.join("quarantine").join(&copy)).unwrap();
    assert_eq!(kept, content[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()]);
    assert_eq!(
        opened.recovery.to_string(),
        format!(
            "/log: 3 records, 16 B in 1 segments, 4.1 KiB on disk\n\
             checkpoint: none\n\
             segment 1: 3 records, 16 B, sequences 1 to 4\n\
             LOST: segment 1 is damaged from {from} to {to}; of the records, 2 are lost\n\
             reading on at 1:4096#1\n\
             put into quarantine: {copy}"
        )
    );
    drop(opened);

    let again = rig.open();
    assert_eq!(again.recovery.found.problems.len(), 1, "it is still damaged");
    assert!(again.recovery.quarantined.is_empty(), "and its copy is made once");
}

#[test]
fn a_hole_in_the_last_group_is_in_doubt_and_not_called_lost() {
    let rig = Rig::new();
    let mut opened = rig.open();
    let before = opened.writer.put_synced(b"settled").position.offset;
    opened.writer.put(b"not written by the disk");
    opened.writer.put_synced(b"written by the disk");
    drop(opened);
    let at = usize::try_from(before).unwrap();
    rig.fs.corrupt(&rig.segment(1), |content| content[at..at + 40].fill(0));

    let mut opened = rig.open();
    assert_eq!(opened.recovery.found.missing().collect::<Vec<_>>(), [missing(2, 3, Fate::InDoubt)]);
    assert!(!opened.recovery.found.loses_data());
    assert_eq!(payloads(&opened.log), [&b"settled"[..], b"written by the disk"]);

    opened.writer.put_synced(b"next life");
    drop(opened);
    assert!(!rig.open().recovery.found.loses_data(), "nor does the next life attest what it did not find");
}

#[test]
fn damage_below_the_checkpoint_is_no_loss() {
    let rig = Rig::new();
    let mut opened = rig.open();
    opened.writer.put_synced(b"confirmed");
    let mark = opened.writer.put_synced(b"confirmed too");
    opened.log.advance_checkpoint(mark, "".into()).unwrap();
    opened.writer.put_synced(b"open");
    drop(opened);
    rig.fs.corrupt(&rig.segment(1), |content| content[4096] ^= 1);

    let opened = rig.open();
    assert_eq!(opened.recovery.found.missing().collect::<Vec<_>>(), [missing(1, 2, Fate::Confirmed)]);
    assert!(!opened.recovery.found.loses_data());
    assert_eq!(opened.recovery.resume, mark);
    assert_eq!(payloads(&opened.log), [&b"confirmed too"[..], b"open"]);
}

#[test]
fn a_segment_that_is_gone_is_missed() {
    let rig = Rig::new();
    for pair in [[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]] {
        rig.written(&pair.map(|payload| &payload[..]));
    }
    let second = rig.fs.content(&rig.segment(2)).unwrap();
    rig.fs.corrupt(&rig.segment(2), Vec::clear);
    let opened = rig.open();
    assert_eq!(
        opened.recovery.found.problems,
        [Problem::HeaderUnreadable { segment: TWO, bytes: 0, missing: vec![missing(3, 5, Fate::Lost)] }]
    );
    assert_eq!(payloads(&opened.log), [b"a", b"b", b"e", b"f"]);
    drop(opened);

    let without = Rig::new();
    without.fs.put(&without.segment(1), rig.fs.content(&rig.segment(1)).unwrap());
    without.fs.put(&without.segment(3), rig.fs.content(&rig.segment(3)).unwrap());
    let opened = without.open();
    let lost = vec![missing(3, 5, Fate::Lost)];
    assert_eq!(
        opened.recovery.found.problems,
        [Problem::SegmentsMissing { before: SegmentNumber::new(3), missing: lost }]
    );
    drop(opened);
    without.fs.put(&without.segment(2), second);
    assert_eq!(payloads(&without.open().log), [b"a", b"b", b"c", b"d", b"e", b"f"]);
}

#[test]
fn an_older_segment_that_was_cut_is_missed() {
    let rig = Rig::new();
    rig.written(&[b"a", b"b", b"c"]);
    rig.written(&[b"d"]);
    let size = rig.segment_size(1);
    rig.fs.corrupt(&rig.segment(1), |content| content.truncate(content.len() - 40));
    let opened = rig.open();
    let damage = Damage {
        segment: ONE,
        from: SEGMENT_HEADER_BYTES + 33,
        to: size,
        missing: vec![missing(2, 4, Fate::Lost)],
    };
    assert_eq!(opened.recovery.found.problems, [Problem::Damaged(damage)]);
    assert_eq!(payloads(&opened.log), [b"a", b"d"]);
}

#[test]
fn a_log_behind_its_checkpoint_goes_on_with_new_numbers() {
    let rig = Rig::new();
    let mut opened = rig.open();
    opened.writer.put_synced(b"a");
    let mark = opened.writer.put_synced(b"b");
    opened.log.advance_checkpoint(mark, "".into()).unwrap();
    drop(opened);
    rig.fs.corrupt(&rig.segment(1), |content| content.truncate(4096));

    let mut opened = rig.open();
    assert!(matches!(opened.recovery.found.problems[..], [Problem::CheckpointBeyondEnd { .. }]));
    assert_eq!(opened.recovery.resume, mark);
    let new = opened.writer.put(b"c");
    assert!(new.sequence >= mark.sequence && new.position > mark.position);
    let end = opened.writer.sync().unwrap();
    assert_eq!(payloads(&opened.log), [b"c"]);
    opened.log.advance_checkpoint(end, "".into()).unwrap();
}

#[test]
fn a_log_whose_segments_are_gone_goes_on_behind_the_checkpoint() {
    let rig = Rig::new();
    let mut opened = rig.open();
    let mark = opened.writer.put_synced(b"a");
    opened.log.advance_checkpoint(mark, "".into()).unwrap();
    drop(opened);
    let other = Rig::new();
    other.fs.put(
        &other.config.dir.join("checkpoint"),
        rig.fs.content(&rig.config.dir.join("checkpoint")).unwrap(),
    );
    let mut opened = other.open();
    let new = opened.writer.put(b"b");
    assert_eq!(new.sequence, mark.sequence);
    assert_eq!(new.position.segment, TWO);
    opened.writer.sync().unwrap();
    let mut reader = opened.log.read_from(opened.recovery.resume);
    assert_eq!(reader.next_record().unwrap().unwrap().payload, &b"b"[..]);
}

#[test]
fn a_newer_version_refuses_and_nothing_is_changed() {
    let rig = Rig::new();
    rig.written(&[b"a"]);
    rig.fs.put(&rig.config.dir.join("checkpoint.tmp"), Vec::new());
    rig.fs.corrupt(&rig.segment(1), |content| {
        for at in [0, 2048] {
            content[at + 7] = 2;
            let crc = crc32c::crc32c(&content[at..at + 60]);
            content[at + 60..at + 64].copy_from_slice(&crc.to_le_bytes());
        }
    });
    let names = rig.fs.names(&rig.config.dir);
    for _ in 0..2 {
        let refused = rig.try_open().map(|_| ()).unwrap_err();
        assert!(matches!(refused, OpenError::UnknownVersion { version: 2, known: 1, .. }));
        let text = "/log/00000000000000000001.wal has format version 2; this program knows version 1";
        assert_eq!(refused.to_string(), text);
    }
    assert_eq!(rig.fs.names(&rig.config.dir), names);
}

#[test]
fn inspecting_and_verifying_change_nothing_and_say_what_opening_says() {
    let rig = Rig::with_segments_for(110);
    let mut opened = rig.open();
    for number in 0..9_u8 {
        opened.writer.put(&[number; 20]);
    }
    let mark = opened.writer.sync().unwrap();
    opened.log.advance_checkpoint(mark, "blob".into()).unwrap();
    opened.writer.put_synced(b"open");
    drop(opened);
    rig.fs.corrupt(&rig.segment(2), |content| *content.last_mut().unwrap() ^= 1);
    rig.fs.corrupt(&rig.segment(5), |content| content.extend_from_slice(b"torn"));

    let names = rig.fs.names(&rig.config.dir);
    let inspected = inspect_on(&rig.fs, &rig.config.dir).unwrap();
    let verified = verify_on(&rig.fs, &rig.config.dir).unwrap();
    assert_eq!(rig.fs.names(&rig.config.dir), names);
    assert_eq!(inspected.records(), 10, "frames are intact");
    assert_eq!(verified.records(), 9, "a payload is not");
    assert_eq!(inspected.checkpoint, CheckpointReport::At { mark, blob_bytes: 4 });
    let opened = rig.open();
    assert_eq!(opened.recovery.found, verified);
    assert_eq!(sequences(&opened.log), [1, 2, 3, 5, 6, 7, 8, 9, 10]);
    let json = serde_json::to_value(&verified).unwrap();
    assert_eq!(json["problems"][0]["problem"], "damaged");
    assert_eq!(json["problems"][1]["problem"], "torn_tail");
}
