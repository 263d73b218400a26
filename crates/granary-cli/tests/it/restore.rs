//! The archive's commands, as an operator types them.

use serde_json::Value;

use crate::process::{Up, granary, stdout};

#[tokio::test]
async fn a_session_is_restored_from_its_archive_and_erased_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a", "b"]).await;
    let run = |arguments: &[&str]| granary(dir.path()).args(arguments).output().unwrap();
    stdout(&run(&["sessions", "archive", "session-1"]));

    let restore = |arguments: &[&str]| -> Value {
        let all = [&["archive", "restore", "--format", "json"], arguments].concat();
        serde_json::from_str(&stdout(&run(&all))).unwrap()
    };
    assert_eq!(restore(&["--dry-run"])["restored_records"], 0);
    let other = restore(&["--into", "elsewhere"]);
    assert_eq!((&other["restored_records"], &other["marks"]), (&2.into(), &1.into()), "{other}");
    assert_eq!(restore(&["--into", "elsewhere", "--session", "session-1"])["restored_records"], 0);
    let unknown = run(&["archive", "restore", "--session", "nobody"]);
    assert!(!unknown.status.success());

    let hesitant = run(&["sessions", "erase", "session-1"]);
    assert!(String::from_utf8(hesitant.stderr).unwrap().contains("--yes"));
    let erased = stdout(&run(&["sessions", "erase", "session-1", "--yes"]));
    assert!(erased.contains("2 records and 1 objects"), "{erased}");
    let gone = run(&["sessions", "show", "session-1"]);
    assert!(String::from_utf8(gone.stderr).unwrap().contains("there is no session"));
    assert!(up.stop().success());
}
