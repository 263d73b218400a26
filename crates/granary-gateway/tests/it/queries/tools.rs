//! The group `tools`.

use super::answer::Told;

/// Session s1 of ann: Read, Edit, Bash, Bash, Read; s2 of bob: Bash, Grep; s3 of eve: one Read, at the day's last instant.
const STORY: &str = r#"
18T23:59:59.999 s1 ann tool_result  tool_name=Read  success=true  duration_ms=77777  tool_use_id=t0
# ann: a Read of 20 ms, an Edit of 100 ms, two Bash of which one fails, and a Read that fails.
08:00:00 s1 ann tool_decision  tool_name=Read  decision=accept  source=config  tool_use_id=t1
08:00:01 s1 ann tool_result  tool_name=Read  success=true  duration_ms=20  tool_use_id=t1  tool_input={"file_path":"/repo/src/a.rs"}
08:10:00 s1 ann tool_decision  tool_name=Edit  decision=accept  source=user_temporary  tool_use_id=t2
08:10:05 s1 ann tool_result  tool_name=Edit  success=true  duration_ms=100  tool_use_id=t2  tool_input={"file_path":"/repo/src/a.rs"}
08:20:00 s1 ann tool_result  tool_name=Bash  success=true  duration_ms=1000  tool_use_id=t3  tool_parameters={"full_command":"cargo test && git status"}
09:00:00 s1 ann tool_result  tool_name=Bash  success=false  duration_ms=3000  tool_use_id=t4  tool_parameters={"full_command":"sudo cargo install x"}
09:05:00 s1 ann tool_result  tool_name=Read  success=false  duration_ms=40  tool_use_id=t5  tool_input={"file_path":"/repo/none"}
# bob: a Bash that he is asked for and refuses has no result; then one that runs, and a Grep.
09:10:00 s2 bob tool_decision  tool_name=Bash  decision=reject  source=user_reject  tool_use_id=t6
09:11:00 s2 bob tool_decision  tool_name=Bash  decision=accept  source=config  tool_use_id=t7
09:11:10 s2 bob tool_result  tool_name=Bash  success=true  duration_ms=2000  tool_use_id=t7  tool_parameters={"full_command":"cargo test && git status"}
09:12:00 s2 bob tool_result  tool_name=Grep  success=true  duration_ms=60000  tool_use_id=t8  tool_input={"pattern":"fn main","path":"/repo","glob":"*.rs"}
# eve: the last instant of the day.
23:59:59.999 s3 eve tool_result  tool_name=Read  success=true  duration_ms=60  tool_use_id=t9  tool_input={"file_path":"/repo/src/b.rs"}
20T00:00:00 s3 eve tool_result  tool_name=Write  success=true  duration_ms=5  tool_use_id=t10
"#;

#[tokio::test]
async fn tool_queries_say_what_the_calls_did() {
    let mut told = Told::new("tools", STORY).await;
    told.says(
        ("tool_usage", ""),
        "
        rank  tool  calls  total_calls  share  users  accepted  rejected  total_ms
        1     Bash  3      8            0.375  2      1         1         6000
        1     Read  3      8            0.375  2      1         0         120
        3     Edit  1      8            0.125  1      1         0         100
        3     Grep  1      8            0.125  1      0         0         60000
    ",
    )
    .await;
    told.says(
        ("tool_usage", "user=ann&tool=Bash&tool=Read"),
        "
        rank  tool  calls  total_calls  share  users  accepted  rejected  total_ms
        1     Bash  2      4            0.5    1      0         0         4000
        1     Read  2      4            0.5    1      1         0         60
    ",
    )
    .await;
    told.says(
        ("tool_success", ""),
        "
        tool  calls  ok  failed  success_rate  avg_ms  p50_ms  p95_ms  p99_ms
        Bash  3      2   1       0.666667      2000    2000    2992    2992
        Read  3      2   1       0.666667      40      40      60      60
        Edit  1      1   0       1             100     100     100     100
        Grep  1      1   0       1             60000   59904   59904   59904
    ",
    )
    .await;
    told.says(
        ("tool_duration_heatmap", "bucket=day"),
        "
        bucket                tool  class          class_from_ms  calls  failed
        2026-11-19T00:00:00Z  Bash  1 to 10 s      1000           3      1
        2026-11-19T00:00:00Z  Edit  100 to 300 ms  100            1      0
        2026-11-19T00:00:00Z  Grep  over 30 s      30000          1      0
        2026-11-19T00:00:00Z  Read  under 100 ms   0              3      1
    ",
    )
    .await;
    told.says(
        ("tool_duration_heatmap", "bucket=hour&tool=Bash"),
        "
        bucket                class      calls  failed
        2026-11-19T08:00:00Z  1 to 10 s  1      0
        2026-11-19T09:00:00Z  1 to 10 s  2      1
    ",
    )
    .await;
    told.says(
        ("tool_duration_heatmap", "bucket=minute&session=s2"),
        "
        bucket                tool  class_from_ms
        2026-11-19T09:11:00Z  Bash  1000
        2026-11-19T09:12:00Z  Grep  30000
    ",
    )
    .await;
    told.says(
        ("tool_heatmap", ""),
        "
        hour  tool  calls  failed  failure_rate  users
        8     Bash  1      0       0             1
        8     Edit  1      0       0             1
        8     Read  1      0       0             1
        9     Bash  2      1       0.5           2
        9     Grep  1      0       0             1
        9     Read  1      1       1             1
        23    Read  1      0       0             1
    ",
    )
    .await;
    told.says(
        ("tool_heatmap", "timezone=Asia/Kolkata&tool=Bash"),
        "
        hour  tool  calls
        13    Bash  1
        14    Bash  2
    ",
    )
    .await;
    told.says(
        ("tool_decisions", ""),
        "
        tool  decision  source          count  tool_decisions  share  sessions  users
        Bash  accept    config          1      2               0.5    1         1
        Bash  reject    user_reject     1      2               0.5    1         1
        Edit  accept    user_temporary  1      1               1      1         1
        Read  accept    config          1      1               1      1         1
    ",
    )
    .await;
    told.says(
        ("tool_sequences", ""),
        "
        sequence     count  sessions
        Bash → Bash  1      1
        Bash → Grep  1      1
        Bash → Read  1      1
        Edit → Bash  1      1
        Read → Edit  1      1
    ",
    )
    .await;
    told.says(
        ("tool_sequences", "length=3"),
        "
        sequence            count  sessions
        Bash → Bash → Read  1      1
        Edit → Bash → Bash  1      1
        Read → Edit → Bash  1      1
    ",
    )
    .await;
    told.says(
        ("tool_sequences", "event=tool_decision"),
        "
        sequence     count  sessions
        Bash → Bash  1      1
        Read → Edit  1      1
    ",
    )
    .await;
    told.says(
        ("tool_adoption", ""),
        "
        user  tool  first_use             last_use              user_since            hours_to_adopt  calls
        eve   Read  2026-11-19T23:00:00Z  2026-11-19T23:00:00Z  2026-11-19T23:00:00Z  0               1
        bob   Bash  2026-11-19T09:00:00Z  2026-11-19T09:00:00Z  2026-11-19T09:00:00Z  0               1
        bob   Grep  2026-11-19T09:00:00Z  2026-11-19T09:00:00Z  2026-11-19T09:00:00Z  0               1
        ann   Bash  2026-11-19T08:00:00Z  2026-11-19T09:00:00Z  2026-11-19T08:00:00Z  0               2
        ann   Edit  2026-11-19T08:00:00Z  2026-11-19T08:00:00Z  2026-11-19T08:00:00Z  0               1
        ann   Read  2026-11-19T08:00:00Z  2026-11-19T09:00:00Z  2026-11-19T08:00:00Z  0               2
    ",
    )
    .await;
    told.says(
        ("tool_value", ""),
        "
        rank  tool  calls  ok  success_rate  users  value  value_share
        1     Bash  3      2   0.666667      2      4      0.4
        1     Read  3      2   0.666667      2      4      0.4
        3     Edit  1      1   1             1      1      0.1
        3     Grep  1      1   1             1      1      0.1
    ",
    )
    .await;
    told.says(
        ("tool_underused", "min_calls=2&min_users=0.5"),
        "
        tool  calls  rejected  users  all_users  user_share  last_use              reason
        Edit  1      0         1      3          0.333333    2026-11-19T08:00:00Z  few calls, few users
        Grep  1      0         1      3          0.333333    2026-11-19T09:00:00Z  few calls, few users
    ",
    )
    .await;
    told.says(("tool_imbalance", "min_share=0.4&min_calls=2"), "
        session  user  project  tool  calls  total_calls  share  tools  first_call                last_call
        s2       bob   granary  Grep  1      2            0.5    2      2026-11-19T09:11:10.000Z  2026-11-19T09:12:00.000Z
    ").await;
    told.says(
        ("file_operations", "bucket=none"),
        "
        reads  writes  edits  operations  failed  failure_rate  reads_per_change
        3      0       1      4           1       0.25          3
    ",
    )
    .await;
    told.says(
        ("file_operations", ""),
        "
        bucket                reads  writes  edits  failed
        2026-11-19T08:00:00Z  1      0       1      0
        2026-11-19T09:00:00Z  1      0       0      1
        2026-11-19T23:00:00Z  1      0       0      0
    ",
    )
    .await;
    told.says(
        ("file_operations", "bucket=day&user=bob"),
        "
        bucket  reads
    ",
    )
    .await;
    told.says(("bash_commands", ""), "
        program  calls  total_calls  share     alone  failed  failure_rate  avg_ms  max_ms  elevated  sessions  users  example
        cargo    3      3            1         1      1       0.333333      2000    3000    1         2         2      cargo test && git status
        git      2      3            0.666667  0      0       0             1500    2000    0         2         2      cargo test && git status
    ").await;
    told.says(("search_patterns", ""), "
        tool  pattern  count  total_searches  share  failed  avg_ms  paths  sessions  users  last_seen
        Grep  fn main  1      1               1      0       60000   1      1         1      2026-11-19T09:12:00.000Z
    ").await;
    told.says(
        ("automation_share", ""),
        "
        bash_calls  calls  share
        3           8      0.375
    ",
    )
    .await;
    told.says(
        ("automation_share", "by=user"),
        "
        name  bash_calls  calls  share
        ann   2           5      0.4
        bob   1           2      0.5
        eve   0           1      0
    ",
    )
    .await;
    told.says(
        ("automation_share", "by=team"),
        "
        name  bash_calls  calls  share
        core  3           7      0.428571
        web   0           1      0
    ",
    )
    .await;
    told.says(
        ("automation_share", "by=project&bucket=hour"),
        "
        bucket                name     bash_calls  calls
        2026-11-19T08:00:00Z  granary  1           3
        2026-11-19T09:00:00Z  granary  2           4
        2026-11-19T23:00:00Z  granary  0           1
    ",
    )
    .await;
    told.says(
        ("automation_share", "bucket=day"),
        "
        bucket                bash_calls  calls
        2026-11-19T00:00:00Z  3           8
    ",
    )
    .await;
    told.end();
}
