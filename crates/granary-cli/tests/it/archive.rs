//! `granary archive`, beside a granary that runs.

use serde_json::Value;

use crate::process::{Up, granary, stdout};

fn json(text: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(text).unwrap()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn sessions_are_archived_listed_and_verified_and_damage_is_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a", "b"]).await;
    let command = |arguments: &[&str]| {
        let mut command = granary(dir.path());
        command.arg("archive").args(arguments).output().unwrap()
    };
    let answer = |arguments: &[&str]| stdout(&command(arguments));

    let before = json(&answer(&["status", "--format", "json"]));
    assert_eq!((&before[0]["sessions"], &before[0]["due"]), (&Value::from(0), &Value::from(0)));
    let said = answer(&["run", "--once", "--archive-quiet", "0s"]);
    assert_eq!(said, "archived 1, left to other archivers 0, failed 0\n");
    let status = json(&answer(&["status", "--format", "json"]));
    assert_eq!((&status[0]["sessions"], &status[0]["records"]), (&Value::from(1), &Value::from(2)));
    let listed = json(&answer(&["list", "--format", "json"]));
    assert_eq!(listed[0]["session"], "session-1");
    let key = listed[0]["key"].as_str().unwrap();
    assert_eq!(key, "sessions/2026/11/20/session-1.jsonl.gz");

    assert_eq!(json(&answer(&["verify", "--format", "json"])), Vec::<Value>::new(), "nothing to tell");
    let all = json(&answer(&["verify", "--all", "--format", "json"]));
    assert_eq!(all[0]["state"], "sound");
    let object = dir.path().join("archive").join(key);
    let mut bytes = std::fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&object, bytes).unwrap();
    let quick = json(&answer(&["verify", "--sample", "0%", "--all", "--format", "json"]));
    assert_eq!(quick[0]["state"], "present", "only its size was looked at");
    let verified = command(&["verify", "--format", "json"]);
    assert_eq!(verified.status.code(), Some(1));
    let found = json(&String::from_utf8(verified.stdout).unwrap());
    assert_eq!((&found[0]["key"], &found[0]["state"]), (&Value::from(key), &Value::from("damaged")));
    let told = String::from_utf8(verified.stderr).unwrap();
    assert!(told.contains("1 of 1 objects are missing, extra, damaged or cannot be read"), "{told}");

    assert_eq!(answer(&["expire", "--dry-run", "--archive-keep", "1ms"]), format!("{key}\n"));
    assert_eq!(answer(&["expire", "--archive-keep", "1ms"]), "deleted 1 objects\n");
    assert!(!object.exists());
    let status = json(&answer(&["status", "--format", "json"]));
    assert_eq!((&status[0]["sessions"], &status[0]["expired"]), (&Value::from(0), &Value::from(1)));
    assert!(up.stop().success());
}

#[test]
fn the_rules_for_a_bucket_are_printed_without_any_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let lifecycle = |archive: &str| {
        let mut command = granary(dir.path());
        command.args(["archive", "lifecycle", "--archive", archive]);
        command.args(["--archive-transitions", "[\"90d=GLACIER_IR\"]"]).output().unwrap()
    };
    let rules: Value = serde_json::from_str(&stdout(&lifecycle("s3://telemetry/granary"))).unwrap();
    assert_eq!(rules["Rules"][0]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"], 7);
    assert_eq!(rules["Rules"][2]["Transitions"][0]["StorageClass"], "GLACIER_IR");
    let refused = lifecycle("/var/archive");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("is a folder"));
}
