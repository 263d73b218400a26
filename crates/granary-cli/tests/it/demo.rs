//! The first command of the README.

use crate::process::{granary, stdout};

#[test]
fn the_demo_shows_its_answers_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let tmp = tempfile::tempdir().unwrap();
    let mut demo = granary(dir.path());
    demo.env("TMPDIR", tmp.path()).args(["demo", "--exit", "--sessions", "12"]);
    let shown = stdout(&demo.output().unwrap());
    for part in [
        "records of 12 sessions",
        "granary query cost_by_model",
        "claude-sonnet-4-6",
        "granary query tool_success",
        "Bash",
        "granary query sessions",
        "granary sessions replay",
        "user_prompt",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 0);
}
