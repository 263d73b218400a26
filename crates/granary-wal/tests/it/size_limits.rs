//! What the bounds are, and what happens at them.

use std::io::IoSlice;
use std::time::Duration;

use bytesize::ByteSize;
use granary_wal::{AppendError, Config, ConfigError, OpenError, RECORD_OVERHEAD_BYTES, SEGMENT_HEADER_BYTES};

use crate::rig::{Put, Rig, payloads};

#[test]
fn a_payload_over_the_limit_is_refused_and_nothing_is_written() {
    let mut rig = Rig::new();
    rig.config.max_record_bytes = ByteSize(100);
    let mut opened = rig.open();
    let refused = opened.writer.append(&[IoSlice::new(&[1; 60]), IoSlice::new(&[2; 41])]).unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { bytes: 101, limit: 100 }));
    assert!(!refused.is_transient());
    assert_eq!(opened.log.usage().used_bytes, 0);
    opened.writer.put_synced(&[3; 100]);
    assert_eq!(payloads(&opened.log), [[3; 100]]);
}

#[test]
fn no_segment_is_larger_than_set_unless_its_only_record_is() {
    let rig = Rig::with_segments_for(1000);
    let mut opened = rig.open();
    let lengths = [10, 900, 58, 2000, 968, 969, 0, 400, 400, 400];
    for length in lengths {
        opened.writer.put(&vec![7; length]);
    }
    opened.writer.sync().unwrap();
    let sizes: Vec<u64> = (1..=opened.log.usage().segments as u64)
        .map(|number| rig.segment_size(number) - SEGMENT_HEADER_BYTES)
        .collect();
    assert_eq!(sizes, [974, 90, 2032, 1000, 1001, 896, 432]);
    assert_eq!(payloads(&opened.log).iter().map(Vec::len).collect::<Vec<_>>(), lengths);
    let bytes: u64 = sizes.iter().map(|size| size + SEGMENT_HEADER_BYTES).sum();
    assert_eq!(opened.log.usage().used_bytes, bytes);
    drop(opened);
    assert_eq!(rig.open().log.usage().used_bytes, bytes, "counted the same after opening");
}

#[test]
fn what_waits_is_what_is_on_disk_and_not_confirmed() {
    let rig = Rig::with_segments_for(1000);
    let mut opened = rig.open();
    assert_eq!(opened.log.usage().waiting_bytes, 0);
    let record = 500 + RECORD_OVERHEAD_BYTES;
    opened.writer.put(&[1; 500]);
    assert_eq!(opened.log.usage().waiting_bytes, 0, "nothing is on disk yet");
    let first = opened.writer.sync().unwrap();
    // A segment has room for one of them.
    let second = opened.writer.put_synced(&[2; 500]);
    let third = opened.writer.put_synced(&[3; 500]);
    assert_eq!(opened.log.usage().segments, 3);
    assert_eq!(opened.log.usage().waiting_bytes, 3 * record);
    opened.log.advance_checkpoint(first, "".into()).unwrap();
    assert_eq!(opened.log.usage().waiting_bytes, 2 * record);
    opened.log.advance_checkpoint(second, "".into()).unwrap();
    drop(opened);
    let opened = rig.open();
    assert_eq!(opened.log.usage().waiting_bytes, record, "counted the same after opening");
    opened.log.advance_checkpoint(third, "".into()).unwrap();
    assert_eq!(opened.log.usage().waiting_bytes, 0, "though confirmed segments are still there");
    assert!(opened.log.usage().used_bytes > 0);
}

#[test]
fn a_full_log_refuses_before_it_writes_and_takes_again_after_deleting() {
    let mut rig = Rig::with_segments_for(1000);
    rig.config.max_record_bytes = ByteSize(1000);
    rig.config.max_total_bytes = ByteSize(20_000);
    let mut opened = rig.open();
    let mut taken = 0;
    let refused = loop {
        match opened.writer.append(&[IoSlice::new(&[5; 500])]) {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
    };
    let used = opened.log.usage().used_bytes;
    assert_eq!(rig.fs.used() as u64, used);
    assert!(used <= 20_000);
    let AppendError::Full { needed, used: said, limit: 20_000 } = refused else { panic!("{refused}") };
    assert_eq!(said, used);
    assert!(used + needed > 20_000 && refused.is_transient());
    assert!(matches!(opened.writer.append(&[IoSlice::new(&[5; 500])]), Err(AppendError::Full { .. })));

    let mark = opened.writer.sync().unwrap();
    assert_eq!(payloads(&opened.log).len(), taken, "what was taken is there");
    opened.log.advance_checkpoint(mark, "".into()).unwrap();
    let deleted = opened.log.delete_confirmed(Duration::ZERO).unwrap();
    assert!(deleted.segments > 0);
    assert_eq!(opened.log.usage().used_bytes, used - deleted.bytes);
    opened.writer.put_synced(&[6; 1000]);
}

#[test]
fn a_log_with_the_least_size_never_gets_stuck() {
    let mut rig = Rig::with_segments_for(300);
    rig.config.max_record_bytes = ByteSize(1000);
    rig.config.max_total_bytes = ByteSize(2 * (SEGMENT_HEADER_BYTES + RECORD_OVERHEAD_BYTES + 1000));
    let mut opened = rig.open();
    for round in 0..50_usize {
        let mark = opened.writer.put_synced(&vec![1; round * 337 % 1001]);
        opened.log.advance_checkpoint(mark, "".into()).unwrap();
        opened.log.delete_confirmed(Duration::ZERO).unwrap();
        opened.writer.put_synced(&[2; 1000]);
        let mark = opened.log.end();
        opened.log.advance_checkpoint(mark, "".into()).unwrap();
        opened.log.delete_confirmed(Duration::ZERO).unwrap();
    }
}

#[test]
fn settings_that_contradict_one_another_are_refused() {
    let mut rig = Rig::new();
    rig.config.max_total_bytes = ByteSize::mib(1);
    let refused = rig.try_open().map(|_| ()).unwrap_err();
    assert!(matches!(refused, OpenError::Config(ConfigError::TotalTooSmall { .. })), "{refused}");

    rig.config.max_total_bytes = ByteSize::tib(1);
    rig.config.max_record_bytes = ByteSize::gib(5);
    let refused = rig.try_open().map(|_| ()).unwrap_err();
    assert!(matches!(refused, OpenError::Config(ConfigError::RecordLimit { .. })), "{refused}");
}

#[test]
fn settings_are_read_as_people_write_them() {
    let config: Config = serde_json::from_str(r#"{"dir": "/log", "segment_bytes": "16MiB"}"#).unwrap();
    assert_eq!(config, Config { segment_bytes: ByteSize::mib(16), ..Config::new("/log") });
    assert_eq!(config.max_total_bytes, ByteSize::gib(4));
    assert_eq!(config.max_record_bytes, ByteSize::mib(64));
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<Config>(&written).unwrap(), config);
    assert!(serde_json::from_str::<Config>(r#"{"dir": "/log", "segment_size": "16MiB"}"#).is_err());
}
