//! One writer per directory; looking is free.

use granary_wal::{Config, OpenError, inspect, open, verify};

use crate::rig::{Put, payloads};

#[test]
fn a_second_opening_is_refused_until_every_handle_of_the_first_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new(dir.path());
    let mut first = open(&config).unwrap();
    first.writer.put_synced(b"a");
    let refused = || matches!(open(&config), Err(OpenError::Locked { .. }));
    assert!(refused());
    let reader = first.log.read_from(first.log.oldest());
    drop(first.writer);
    assert!(refused());
    drop(first.log);
    assert!(refused(), "a reader could otherwise read what the next life changes");
    drop(reader);
    assert_eq!(payloads(&open(&config).unwrap().log), [b"a"]);
}

#[test]
fn a_log_in_use_can_be_inspected_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new(dir.path());
    let mut opened = open(&config).unwrap();
    opened.writer.put_synced(b"a");
    opened.writer.put_synced(b"b");
    for seen in [inspect(dir.path()).unwrap(), verify(dir.path()).unwrap()] {
        assert_eq!((seen.records(), seen.payload_bytes()), (2, 2));
        assert_eq!(seen.problems, []);
    }
    opened.writer.put_synced(b"and it goes on");
}
