//! `granary queries`: looking through them, and writing one.

use std::fs;

use crate::process::{Up, granary, stdout};

#[test]
fn a_new_query_passes_the_check_and_a_broken_one_is_shown_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let queries = dir.path().join("queries");
    let run = |arguments: &[&str]| {
        let mut command = granary(&dir.path().join("data"));
        command.arg("queries").args(arguments).env("GRANARY_GATEWAY_QUERY_DIR", &queries).output().unwrap()
    };
    let path = stdout(&run(&["new", "slow_users", "--group", "team"]));
    assert_eq!(path.trim(), queries.join("team/slow_users.sql").to_str().unwrap());
    let again = run(&["new", "slow_users", "--group", "team"]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("cannot be written"));
    for (name, reason) in [("../up", "is no name"), ("cost_summary", "which comes along, has that name")] {
        let refused = run(&["new", name]);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains(reason), "{name}");
    }
    assert!(stdout(&run(&["check"])).ends_with(" queries are in order\n"));
    assert!(stdout(&run(&["list"])).contains("\"team\",\"slow_users\",\"operator\","));
    assert!(stdout(&run(&["show", "slow_users"])).contains("one row per user, or per user and day (UTC)"));

    let good = fs::read_to_string(path.trim()).unwrap();
    let no_tenant = good.replace("WHERE TenantId = {tenant:String}", "WHERE TenantId != {tenant:String}");
    fs::write(queries.join("team/leaking.sql"), no_tenant).unwrap();
    fs::write(queries.join("team/misspelt.sql"), good.replacen("filters =", "filtres =", 1)).unwrap();
    fs::write(
        queries.join("team/undeclared.sql"),
        good.replace("cost = \"USD, as the client reported it\"\n", ""),
    )
    .unwrap();
    let broken = run(&["check", queries.to_str().unwrap()]);
    assert_eq!(broken.status.code(), Some(1));
    let said = String::from_utf8(broken.stdout).unwrap();
    let line_of = |text: &str| good.lines().position(|line| line.contains(text)).unwrap() + 1;
    for start in [
        format!(
            "team/leaking.sql:{}: table cost_hourly is read without WHERE TenantId = {{tenant:String}} on it",
            line_of("FROM cost_hourly")
        ),
        format!("team/misspelt.sql:{}: TOML parse error", line_of("filters =")),
        "team/undeclared.sql".to_owned(),
    ] {
        assert!(said.lines().any(|line| line.starts_with(&start)), "{start}\n{said}");
    }
    assert!(said.contains("column cost is not declared in [columns]"), "{said}");
    assert!(!said.contains("slow_users"), "{said}");
}

#[tokio::test]
async fn explaining_a_query_says_which_indexes_help_and_how_much_is_left_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a", "b"]).await;
    let explained = granary(dir.path())
        .args([
            "queries",
            "explain",
            "cost_by_model",
            "-p",
            "from=2026-11-01T00:00:00Z",
            "-p",
            "to=2026-12-01T00:00:00Z",
        ])
        .args(["--format", "json"])
        .output()
        .unwrap();
    let explained: serde_json::Value = serde_json::from_str(&stdout(&explained)).unwrap();
    let key = explained["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["table"] == "cost_hourly" && one["index"] == "PrimaryKey");
    let key = key.unwrap();
    assert_eq!(key["keys"], "TenantId, Hour");
    assert_eq!((&key["rows_to_read"], &key["rows"]), (&1.into(), &1.into()));
    assert_eq!((&key["parts"], &key["granules"]), (&"1 of 1".into(), &"1 of 1".into()));
    assert!(key["condition"].as_str().unwrap().contains("TenantId in ['default', 'default']"));
    assert!(up.stop().success());
}
