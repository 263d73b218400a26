//! The group `usage`.

use super::answer::Told;

/// 2026-11-19 is a Thursday.
const STORY: &str = r#"
18T23:59:59.999 s0 ann api_request  model=claude-haiku-4-5  cost_usd=9  output_tokens=999  duration_ms=1
# ann in an editor at 08, twice; bob in a terminal with the newer client at 09 and 22.
08:00:00 s1 ann user_prompt  prompt_length=3
08:00:01 s1 ann api_request  model=claude-haiku-4-5  cost_usd=1  input_tokens=10  output_tokens=100  duration_ms=1000
08:59:59 s1 ann api_request  model=claude-haiku-4-5  cost_usd=1  input_tokens=10  output_tokens=100  duration_ms=3000
09:00:00 s2 bob api_request  model=claude-opus-4-5  cost_usd=4  input_tokens=20  output_tokens=200  duration_ms=5000  terminal.type=iTerm  @service.version=2.2.0
22:30:00 s2 bob api_request  model=claude-opus-4-5  cost_usd=4  input_tokens=20  output_tokens=200  duration_ms=5000  terminal.type=iTerm  @service.version=2.2.0
22:31:00 s2 bob api_error  model=claude-opus-4-5  status_code=529  error=overloaded  terminal.type=iTerm  @service.version=2.2.0
08:10:00 s1 ann tool_result  tool_name=Read  success=true  duration_ms=1  tool_input={"file_path":"/repo/README.md"}
08:11:00 s1 ann tool_result  tool_name=Edit  success=true  duration_ms=1  tool_input={"file_path":"/repo/src/a.rs"}
08:12:00 s1 ann tool_result  tool_name=Read  success=false  duration_ms=1  tool_input={"file_path":"/repo/src/a.rs"}
22:32:00 s2 bob tool_result  tool_name=Write  success=true  duration_ms=1  tool_input={"file_path":"/repo/b.py"}  terminal.type=iTerm  @service.version=2.2.0
08:11:00 s1 ann +claude_code.code_edit_tool.decision  value=2  decision=accept  tool_name=Edit  language=Rust
# Looked up: a manual, a help text, a page, a search. What is only said is no look-up.
08:13:00 s1 ann tool_result  tool_name=Bash  success=true  tool_parameters={"full_command":"man 1 tar; git commit --help; echo help"}
08:14:00 s1 ann tool_result  tool_name=WebFetch  success=false  tool_input={"url":"https://Docs.Rs:443/serde?x=1"}
08:15:00 s1 ann tool_result  tool_name=WebSearch  success=true  tool_input={"query":"serde derive"}
08:16:00 s1 ann user_prompt  command_name=help  prompt_length=5
20T00:00:00 s2 bob api_request  model=claude-opus-4-5  cost_usd=64  output_tokens=1
"#;

#[tokio::test]
async fn usage_queries_say_who_uses_what_and_when() {
    let mut told = Told::new("usage", STORY).await;
    told.says(
        ("peak_hours", ""),
        "
        weekday  hour  requests  share  cost  output_tokens  users  active_days  requests_per_active_day
        4        8     2         0.5    2     200            1      1            2
        4        9     1         0.25   4     200            1      1            1
        4        22    1         0.25   4     200            1      1            1
    ",
    )
    .await;
    told.says(
        ("peak_hours", "timezone=Europe/Berlin"),
        "
        weekday  hour  requests
        4        9     2
        4        10    1
        4        23    1
    ",
    )
    .await;
    told.says(("platforms", ""), "
        terminal  requests  total_requests  share  users  input_tokens  output_tokens  all_tokens  avg_input_tokens  cost  cost_list  avg_cost  avg_ms
        iTerm     2         4               0.5    1      40            400            440         20                8     0.0102     4         5000
        vscode    2         4               0.5    1      20            200            220         10                2     0.00102    1         2000
    ").await;
    told.says(("client_versions", ""), "
        version  sessions  total_sessions  share  users  first_seen                last_seen                 requests  api_errors  api_error_rate  tools  tool_errors  tool_error_rate  cost
        2.2.0    1         2               0.5    1      2026-11-19T09:00:00.000Z  2026-11-20T00:00:00.000Z  3         1           0.25            1      0            0                72
        2.1.0    1         2               0.5    1      2026-11-19T08:00:00.000Z  2026-11-19T08:59:59.000Z  2         0           0               6      2            0.333333         2
    ").await;
    told.says(("user_activity", ""), "
        user  teams   projects   sessions  active_days  first_seen                last_seen                 avg_session_s  prompts  requests  cost  cost_list  input_tokens  output_tokens  tools  tool_errors  api_errors
        bob   [core]  [granary]  1         1            2026-11-19T09:00:00.000Z  2026-11-20T00:00:00.000Z  54000          0        3         72    0.010225   40            401            1      0            1
        ann   [core]  [granary]  1         1            2026-11-19T08:00:00.000Z  2026-11-19T08:59:59.000Z  3599           2        2         2     0.00102    20            200            6      2            0
    ").await;
    told.says(
        ("languages", ""),
        "
        language  files  reads  changes  edit_decisions  accepted  acceptance_rate  sessions  users
        Rust      1      1      1        2               2         1                1         1
        Python    1      0      1        0               0         null             1         1
        Markdown  1      1      0        0               0         null             1         1
    ",
    )
    .await;
    told.says(("learning", ""), "
        kind                what             count  failed  sessions  users  first_seen                last_seen
        documentation file  /repo/README.md  1      0       1         1      2026-11-19T08:10:00.000Z  2026-11-19T08:10:00.000Z
        help command        /help            1      0       1         1      2026-11-19T08:16:00.000Z  2026-11-19T08:16:00.000Z
        help option         git commit       1      0       1         1      2026-11-19T08:13:00.000Z  2026-11-19T08:13:00.000Z
        manual              tar              1      0       1         1      2026-11-19T08:13:00.000Z  2026-11-19T08:13:00.000Z
        web page            docs.rs          1      1       1         1      2026-11-19T08:14:00.000Z  2026-11-19T08:14:00.000Z
        web search          serde derive     1      0       1         1      2026-11-19T08:15:00.000Z  2026-11-19T08:15:00.000Z
    ").await;
    told.end();
}
