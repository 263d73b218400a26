//! The group `operations`; the accounting of what was received has tests of its own in `accounting.rs`.

use super::answer::Told;

/// Nobody's clock is right here: events are stored when the test runs, so delays are set by hand afterwards.
const STORY: &str = r#"
18T23:59:59.999 s1 ann user_prompt  prompt_length=1
08:00:00 s1 ann user_prompt  prompt_length=3  prompt=one
08:00:01 s1 ann api_request  model=claude-haiku-4-5  cost_usd=0.25  duration_ms=1500  input_tokens=10  output_tokens=20
08:00:02 s1 ann tool_decision  tool_name=Bash  decision=reject  source=user_reject
08:00:03 s1 ann tool_result  tool_name=Bash  success=false  duration_ms=7  tool_parameters={"full_command":"cargo test"}
08:00:04 s2 bob user_prompt  @service.version=2.2.0
08:00:05 s2 bob hook_registered  hook_name=x  @service.version=2.2.0
08:00:00 s1 ann ~claude_code.tool  span=a  ms=1000  tool_name=Bash
08:00:00 s1 ann +claude_code.commit.count  value=1
20T00:00:00 s1 ann user_prompt  prompt_length=1
"#;

#[tokio::test]
async fn operation_queries_say_how_the_warehouse_is_fed() {
    let mut told = Told::new("operations", STORY).await;
    // Stored two seconds after they happened; the last event of the day at once, by a clock that is four seconds ahead.
    for (table, time, delay) in
        [("otel_logs", "Timestamp", 2), ("otel_traces", "Timestamp", 2), ("otel_metrics_sum", "TimeUnix", 2)]
    {
        let set = format!(
            "ALTER TABLE {table} UPDATE IngestedAt = {time} + if(SessionId = 's2', -4, {delay}) WHERE true SETTINGS mutations_sync = 2"
        );
        told.warehouse.owner.execute(&set).await.unwrap();
    }
    told.says(("freshness", ""), "
        signal   rows  newest_event              newest_stored             age_s  p50_delay_s  p95_delay_s  p99_delay_s  max_delay_s  ahead
        logs     6     2026-11-19T08:00:05.000Z  2026-11-19T08:00:05.000Z  57595  2            2            2            2            2
        metrics  1     2026-11-19T08:00:00.000Z  2026-11-19T08:00:02.000Z  57600  2            2            2            2            0
        traces   1     2026-11-19T08:00:00.000Z  2026-11-19T08:00:02.000Z  57600  2            2            2            2            0
    ").await;
    told.says(
        ("freshness", "bucket=hour"),
        "
        bucket                signal   rows
        2026-11-19T08:00:00Z  logs     6
        2026-11-19T08:00:00Z  metrics  1
        2026-11-19T08:00:00Z  traces   1
    ",
    )
    .await;
    told.says(
        ("freshness", "bucket=day"),
        "
        bucket                signal   rows
        2026-11-19T00:00:00Z  logs     6
        2026-11-19T00:00:00Z  metrics  1
        2026-11-19T00:00:00Z  traces   1
    ",
    )
    .await;
    told.says(
        ("freshness", "bucket=minute"),
        "
        bucket                signal   rows
        2026-11-19T08:00:00Z  logs     6
        2026-11-19T08:00:00Z  metrics  1
        2026-11-19T08:00:00Z  traces   1
    ",
    )
    .await;
    told.says(("live_feed", ""), "
        time                      event          session  user  project  tool  model             success  duration_ms  cost  target      line
        2026-11-19T08:00:04.000Z  user_prompt    s2       bob   granary  ''    ''                null     null         null  ''          [08:00:04] [-] user_prompt
        2026-11-19T08:00:03.000Z  tool_result    s1       ann   granary  Bash  ''                false    7            null  cargo test  [08:00:03] [Bash] tool_result failed (7 ms) - cargo test
        2026-11-19T08:00:02.000Z  tool_decision  s1       ann   granary  Bash  ''                false    null         null  ''          [08:00:02] [Bash] tool_decision refused
        2026-11-19T08:00:01.000Z  api_request    s1       ann   granary  ''    claude-haiku-4-5  true     1500         0.25  ''          [08:00:01] [claude-haiku-4-5] api_request ok (1500 ms)
        2026-11-19T08:00:00.000Z  user_prompt    s1       ann   granary  ''    ''                null     null         null  ''          [08:00:00] [-] user_prompt
    ").await;
    told.says(
        ("live_feed", "events=hook_registered"),
        "
        time                      event            line
        2026-11-19T08:00:05.000Z  hook_registered  [08:00:05] [-] hook_registered
    ",
    )
    .await;
    told.says(("attribute_drift", "min_events=1&event=user_prompt"), "
        version  event        attribute      events  missing  missing_share  other_events  other_missing  other_missing_share  drift  compared
        2.2.0    user_prompt  prompt         1       1        1              1             0              0                    1      true
        2.2.0    user_prompt  prompt_length  1       1        1              1             0              0                    1      true
        2.1.0    user_prompt  prompt         1       0        0              1             1              1                    -1     true
        2.1.0    user_prompt  prompt_length  1       0        0              1             1              1                    -1     true
    ").await;
    told.end();
}
