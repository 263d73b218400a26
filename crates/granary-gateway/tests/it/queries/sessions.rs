//! The group `sessions`.

use super::answer::Told;

/// s1 of ann from 08:00 to 10:30, s2 of bob from 10:00 to 10:10, and s0, which began the day before and whose last event is of the day: it
/// belongs to the day, as a whole. s9 ended at the day's beginning, before its first instant.
const STORY: &str = r#"
18T20:00:00 s9 eve api_request  model=claude-haiku-4-5  cost_usd=7  input_tokens=1  output_tokens=1  duration_ms=1
18T23:00:00 s0 eve api_request  model=claude-haiku-4-5  cost_usd=1  input_tokens=1000  output_tokens=100  duration_ms=100  event.sequence=1
00:00:00 s0 eve tool_result  tool_name=Read  success=true  duration_ms=5  event.sequence=2
# ann: two prompts, the second a command; two requests; a Read, an Edit that is refused, an Agent; a compaction; an error. Numbers 4 and 5 never came.
08:00:00 s1 ann user_prompt  prompt_length=7  prompt=mend it  event.sequence=0  prompt.id=p1
08:00:02 s1 ann api_request  model=claude-haiku-4-5  cost_usd=0.5  input_tokens=1000  output_tokens=100  cache_read_tokens=3000  duration_ms=2000  event.sequence=1  prompt.id=p1  request_id=q1
08:00:03 s1 ann tool_decision  tool_name=Read  decision=accept  source=config  tool_use_id=u1  event.sequence=2  prompt.id=p1
08:00:04 s1 ann tool_result  tool_name=Read  success=true  duration_ms=10  tool_use_id=u1  event.sequence=3  prompt.id=p1  tool_input={"file_path":"/repo/a.rs"}
08:00:10 s1 ann tool_decision  tool_name=Edit  decision=reject  source=user_reject  tool_use_id=u2  event.sequence=6  prompt.id=p1
09:00:00 s1 ann user_prompt  prompt_length=8  command_name=review  event.sequence=7  prompt.id=p2
09:00:05 s1 ann api_request  model=claude-sonnet-4-5  cost_usd=1.5  input_tokens=1000  output_tokens=100  duration_ms=4000  event.sequence=8  prompt.id=p2  request_id=q2
09:10:00 s1 ann tool_result  tool_name=Agent  success=false  duration_ms=60000  tool_use_id=u3  event.sequence=9  prompt.id=p2  error=gave up
09:20:00 s1 ann compaction  trigger=auto  pre_tokens=150000  post_tokens=9000  success=true  event.sequence=10  prompt.id=p2
10:30:00 s1 ann api_error  model=claude-sonnet-4-5  status_code=529  error=overloaded  attempt=2  event.sequence=11  prompt.id=p2
# bob: ten minutes; one number comes twice.
10:00:00 s2 bob api_request  model=claude-opus-4-5  cost_usd=4  input_tokens=100  output_tokens=50  duration_ms=1000  event.sequence=5
10:10:00 s2 bob tool_result  tool_name=Bash  success=true  duration_ms=30  event.sequence=6
10:10:00 s2 bob tool_decision  tool_name=Bash  decision=accept  source=config  event.sequence=6
20T00:00:00 s3 eve api_request  model=claude-haiku-4-5  cost_usd=64  input_tokens=1  output_tokens=1  duration_ms=1
"#;

#[tokio::test]
async fn session_queries_tell_each_session_s_story() {
    let mut told = Told::new("sessions", STORY).await;
    told.says(("sessions", ""), "
        session  user  team  project  start                     end                       duration_s  events  requests  cost  cost_list  input_tokens  output_tokens  tools  tool_errors  api_errors  models                                archived
        s2       bob   core  granary  2026-11-19T10:00:00.000Z  2026-11-19T10:10:00.000Z  600         3       1         4     0.00175    100           50             1      0            0           [claude-opus-4-5]                     false
        s1       ann   core  granary  2026-11-19T08:00:00.000Z  2026-11-19T10:30:00.000Z  9000        10      2         2     0.0063     2000          200            2      1            1           [claude-haiku-4-5,claude-sonnet-4-5]  false
        s0       eve   web   granary  2026-11-18T23:00:00.000Z  2026-11-19T00:00:00.000Z  3600        2       1         1     0.0015     1000          100            1      0            0           [claude-haiku-4-5]                    false
    ").await;
    told.says(
        ("sessions", "sort=cost&user=ann&user=bob"),
        "
        session  cost
        s2       4
        s1       2
    ",
    )
    .await;
    told.says(
        ("sessions", "sort=duration"),
        "
        session  duration_s
        s1       9000
        s0       3600
        s2       600
    ",
    )
    .await;
    told.says(("session_summary", "session=s1"), "
        session  user  team  project  terminal  version  start                     end                       duration_s  events  prompts  requests  cost  cost_list  input_tokens  output_tokens  cache_read_tokens  cache_creation_tokens  all_input_tokens  cache_hit_rate  avg_request_ms  tools  tool_errors  tool_success_rate  tool_calls        subagents  rejected  compactions  api_errors  models                                archived
        s1       ann   core  granary  vscode    2.1.0    2026-11-19T08:00:00.000Z  2026-11-19T10:30:00.000Z  9000        10      2        2         2     0.0063     2000          200            3000               0                      5000              0.6             3000            2      1            0.5                {Agent:1,Read:1}  1          1         1            1           [claude-haiku-4-5,claude-sonnet-4-5]  false
    ").await;
    told.says(("session_timeline", "session=s1"), "
        time                            event          sequence  prompt  tool   model              success  duration_ms  cost  input_tokens  summary
        2026-11-19T08:00:00.000000000Z  user_prompt    0         p1      ''     ''                 null     null         null  0             prompt of 7 characters: mend it
        2026-11-19T08:00:02.000000000Z  api_request    1         p1      ''     claude-haiku-4-5   null     2000         0.5   1000          claude-haiku-4-5 answered in 2000 ms: 4000 tokens in with cache, 100 out, $0.5000
        2026-11-19T08:00:03.000000000Z  tool_decision  2         p1      Read   ''                 null     null         null  0             Read allowed by config
        2026-11-19T08:00:04.000000000Z  tool_result    3         p1      Read   ''                 true     10           null  0             Read succeeded in 10 ms: /repo/a.rs
        2026-11-19T08:00:10.000000000Z  tool_decision  6         p1      Edit   ''                 null     null         null  0             Edit refused by user_reject
        2026-11-19T09:00:00.000000000Z  user_prompt    7         p2      ''     ''                 null     null         null  0             prompt of 8 characters
        2026-11-19T09:00:05.000000000Z  api_request    8         p2      ''     claude-sonnet-4-5  null     4000         1.5   1000          claude-sonnet-4-5 answered in 4000 ms: 1000 tokens in with cache, 100 out, $1.5000
        2026-11-19T09:10:00.000000000Z  tool_result    9         p2      Agent  ''                 false    60000        null  0             Agent failed in 60000 ms (gave up)
        2026-11-19T09:20:00.000000000Z  compaction     10        p2      ''     ''                 true     null         null  0             context compacted (auto) from 150000 to 9000 tokens
        2026-11-19T10:30:00.000000000Z  api_error      11        p2      ''     claude-sonnet-4-5  null     null         null  0             claude-sonnet-4-5 failed with 529 on attempt 2: overloaded
    ").await;
    told.says(
        ("session_timeline", "session=s1&events=compaction"),
        "
        time                            event
        2026-11-19T09:20:00.000000000Z  compaction
    ",
    )
    .await;
    told.says(("session_flow", "session=s1"), "
        part  id       type     label                   source  target  time                      duration_ms  cost  success
        node  p1       prompt   prompt of 7 characters  ''      ''      2026-11-19T08:00:00.000Z  null         null  null
        edge  p1 → q1  request  claude-haiku-4-5        p1      q1      2026-11-19T08:00:02.000Z  2000         0.5   null
        node  q1       request  claude-haiku-4-5        ''      ''      2026-11-19T08:00:02.000Z  2000         0.5   null
        edge  p1 → u1  tool     Read                    p1      u1      2026-11-19T08:00:04.000Z  10           null  true
        node  u1       tool     Read                    ''      ''      2026-11-19T08:00:04.000Z  10           null  true
        edge  p1 → u2  tool     Edit                    p1      u2      2026-11-19T08:00:10.000Z  0            null  false
        node  u2       tool     Edit                    ''      ''      2026-11-19T08:00:10.000Z  0            null  false
        node  p2       prompt   prompt of 8 characters  ''      ''      2026-11-19T09:00:00.000Z  null         null  null
        edge  p2 → q2  request  claude-sonnet-4-5       p2      q2      2026-11-19T09:00:05.000Z  4000         1.5   null
        node  q2       request  claude-sonnet-4-5       ''      ''      2026-11-19T09:00:05.000Z  4000         1.5   null
        edge  p2 → u3  tool     Agent                   p2      u3      2026-11-19T09:10:00.000Z  60000        null  false
        node  u3       tool     Agent                   ''      ''      2026-11-19T09:10:00.000Z  60000        null  false
    ").await;
    told.says(
        ("session_prompts", ""),
        "
        time                      session  user  prompt  length  text     command  ordinal  pause_s
        2026-11-19T08:00:00.000Z  s1       ann   p1      7       mend it  ''       1        null
        2026-11-19T09:00:00.000Z  s1       ann   p2      8       null     review   2        3600
    ",
    )
    .await;
    told.says(("active_sessions", "to=2026-11-19T10:15:00Z"), "
        session  user  team  project  terminal  version  start                     last_event                idle_s  duration_s  events  requests  cost  tools  tool_errors  api_errors  models                                active
        s1       ann   core  granary  vscode    2.1.0    2026-11-19T08:00:00.000Z  2026-11-19T10:30:00.000Z  0       9000        10      2         2     2      1            1           [claude-haiku-4-5,claude-sonnet-4-5]  2
        s2       bob   core  granary  vscode    2.1.0    2026-11-19T10:00:00.000Z  2026-11-19T10:10:00.000Z  300     600         3       1         4     1      0            0           [claude-opus-4-5]                     2
    ").await;
    told.says(
        ("active_sessions", "to=2026-11-19T10:15:00Z&within_minutes=120"),
        "
        session  idle_s  active
        s1       0       2
        s2       300     2
    ",
    )
    .await;
    told.says(
        ("concurrent_sessions", "from=2026-11-19T09:50:00Z&to=2026-11-19T10:40:00Z&step_minutes=10"),
        "
        time                  sessions  users
        2026-11-19T09:50:00Z  1         1
        2026-11-19T10:00:00Z  2         2
        2026-11-19T10:10:00Z  2         2
        2026-11-19T10:20:00Z  1         1
        2026-11-19T10:30:00Z  1         1
    ",
    )
    .await;
    told.says(
        ("session_durations", ""),
        "
        class            from_s  sessions  total_sessions  share     avg_s  without_tools  cost  avg_cost
        5 to 15 minutes  300     1         3               0.333333  600    0              4     4
        1 to 2 hours     3600    1         3               0.333333  3600   0              1     1
        2 to 8 hours     7200    1         3               0.333333  9000   0              2     2
    ",
    )
    .await;
    told.says(("session_efficiency", ""), "
        session  user  project  start                     duration_s  operations  failed  success_rate  prompts  operations_per_prompt  operations_per_minute  cost  cost_per_operation  rating  avg_operations
        s1       ann   granary  2026-11-19T08:00:00.000Z  9000        2           1       0.5           2        1                      0.013333               2     1                   low     1.333333
        s0       eve   granary  2026-11-18T23:00:00.000Z  3600        1           0       1             0        null                   0.016667               1     1                   low     1.333333
        s2       bob   granary  2026-11-19T10:00:00.000Z  600         1           0       1             0        null                   0.1                    4     4                   low     1.333333
    ").await;
    told.says(("session_completeness", ""), "
        session  user  process  start                     end                       first_sequence  last_sequence  expected  received  missing  duplicates  completeness  gaps
        s1       ann   1        2026-11-19T08:00:00.000Z  2026-11-19T10:30:00.000Z  0               11             12        10        2        0           0.833333      [4-5]
        s0       eve   1        2026-11-18T23:00:00.000Z  2026-11-19T00:00:00.000Z  1               2              2         2         0        0           1             []
        s2       bob   1        2026-11-19T10:00:00.000Z  2026-11-19T10:10:00.000Z  5               6              2         2         0        1           1             []
    ").await;
    told.says(
        ("session_completeness", "gaps_only=true"),
        "
        session  gaps
        s1       [4-5]
    ",
    )
    .await;
    told.says(("long_sessions", ""), "
        session  user  project  start                     end                       duration_s  days  prompts  requests  cost  cost_per_hour  tools  tool_errors
        s1       ann   granary  2026-11-19T08:00:00.000Z  2026-11-19T10:30:00.000Z  9000        1     2        2         2     0.8            2      1
    ").await;
    told.end();
}
