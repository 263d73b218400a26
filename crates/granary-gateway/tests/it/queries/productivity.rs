//! The group `productivity`.

use super::answer::Told;

/// ann adds 150 lines and removes 50 in an hour of work; bob adds 75 with an hour of the agent's and none of his own; eve counts in a cumulative way.
const STORY: &str = r#"
18T23:59:59.999 s1 ann +claude_code.lines_of_code.count  value=1000  type=added
09:00:00 s1 ann +claude_code.lines_of_code.count  value=100  type=added  model=claude-sonnet-4-5-20250929
10:00:00 s1 ann +claude_code.lines_of_code.count  value=50  type=added  model=claude-sonnet-4-5[1m]
10:00:00 s1 ann +claude_code.lines_of_code.count  value=50  type=removed  model=claude-sonnet-4-5
10:00:00 s2 bob +claude_code.lines_of_code.count  value=75  type=added  model=claude-opus-4-5
# A cumulative series: 10, 25, then after a restart 5, so 10 + 15 + 5 = 30 lines.
11:00:00 s3 eve +claude_code.lines_of_code.count  value=10  type=added  since=10:59:00
11:10:00 s3 eve +claude_code.lines_of_code.count  value=25  type=added  since=10:59:00
11:20:00 s3 eve +claude_code.lines_of_code.count  value=5  type=added  since=11:15:00
20T00:00:00 s3 eve +claude_code.lines_of_code.count  value=1000  type=added
09:30:00 s1 ann +claude_code.commit.count  value=1
10:30:00 s1 ann +claude_code.commit.count  value=2
10:30:00 s2 bob +claude_code.commit.count  value=1
10:40:00 s2 bob +claude_code.pull_request.count  value=1
10:00:00 s1 ann +claude_code.active_time.total  value=1800  type=user
10:00:00 s1 ann +claude_code.active_time.total  value=3600  type=cli
10:00:00 s2 bob +claude_code.active_time.total  value=3600  type=cli
09:10:00 s1 ann +claude_code.code_edit_tool.decision  value=4  decision=accept  tool_name=Edit  language=Rust  source=config
09:20:00 s1 ann +claude_code.code_edit_tool.decision  value=1  decision=reject  tool_name=Edit  language=Rust  source=user_reject
10:20:00 s2 bob +claude_code.code_edit_tool.decision  value=1  decision=reject  tool_name=Write  language=Python  source=user_reject
# The sessions: ann gives two prompts in two hours, of which a report of a background agent is none.
09:00:00 s1 ann user_prompt  prompt_length=10  prompt=mend it
10:00:00 s1 ann user_prompt  prompt_length=12  prompt=now test it
10:30:00 s1 ann user_prompt  prompt_length=30  prompt=<task-notification> done
09:05:00 s1 ann api_request  model=claude-haiku-4-5  cost_usd=0.5  input_tokens=100  output_tokens=300  duration_ms=2000
09:06:00 s1 ann tool_result  tool_name=Read  success=true  duration_ms=5  tool_input={"file_path":"/repo/a.rs"}
09:07:00 s1 ann tool_result  tool_name=Edit  success=true  duration_ms=5  tool_input={"file_path":"/repo/a.rs"}
09:17:00 s1 ann tool_result  tool_name=Edit  success=false  duration_ms=5  tool_input={"file_path":"/repo/a.rs"}
09:27:00 s1 ann tool_result  tool_name=Write  success=true  duration_ms=5  tool_input={"file_path":"/repo/a.rs"}
11:00:00 s1 ann tool_result  tool_name=Edit  success=true  duration_ms=5  tool_input={"file_path":"/repo/once.rs"}
# Tasks: two written down, one of which is completed later; and one made and updated by the newer tools.
09:08:00 s1 ann tool_result  tool_name=TodoWrite  success=true  tool_input={"todos":[{"content":"mend","status":"in_progress"},{"content":"test","status":"pending"}]}
10:50:00 s1 ann tool_result  tool_name=TodoWrite  success=true  tool_input={"todos":[{"content":"mend","status":"completed"},{"content":"test","status":"pending"}]}
10:00:00 s2 bob tool_result  tool_name=TaskCreate  success=true  tool_input={"subject":"x"}  tool_result_task_id=1
10:01:00 s2 bob tool_result  tool_name=TaskUpdate  success=true  tool_input={"taskId":"1","status":"in_progress"}
"#;

#[tokio::test]
async fn productivity_queries_say_what_got_done() {
    let mut told = Told::new("productivity", STORY).await;
    told.says(
        ("lines_of_code", "bucket=none"),
        "
        lines_added  lines_removed  lines_net  sessions  users
        255          50             205        3         3
    ",
    )
    .await;
    told.says(
        ("lines_of_code", ""),
        "
        bucket                lines_added  lines_removed  lines_net
        2026-11-19T09:00:00Z  100          0              100
        2026-11-19T10:00:00Z  125          50             75
        2026-11-19T11:00:00Z  30           0              30
    ",
    )
    .await;
    told.says(
        ("lines_of_code", "by=user&bucket=none"),
        "
        name  lines_added  lines_removed
        ann   150          50
        bob   75           0
        eve   30           0
    ",
    )
    .await;
    told.says(
        ("lines_of_code", "by=team&bucket=day"),
        "
        bucket                name  lines_added
        2026-11-19T00:00:00Z  core  225
        2026-11-19T00:00:00Z  web   30
    ",
    )
    .await;
    told.says(
        ("lines_of_code", "by=project&bucket=none"),
        "
        name     lines_added
        granary  255
    ",
    )
    .await;
    told.says(
        ("lines_of_code", "by=model&bucket=none"),
        "
        name               lines_added
        claude-sonnet-4-5  150
        claude-opus-4-5    75
        ''                 30
    ",
    )
    .await;
    told.says(
        ("commits", ""),
        "
        commits  sessions  users  commits_per_session
        4        2         2      2
    ",
    )
    .await;
    told.says(
        ("commits", "by=user"),
        "
        name  commits  sessions  users  commits_per_session
        ann   3        1         1      3
        bob   1        1         1      1
    ",
    )
    .await;
    told.says(
        ("commits", "by=team&bucket=hour"),
        "
        bucket                name  commits
        2026-11-19T09:00:00Z  core  1
        2026-11-19T10:00:00Z  core  3
    ",
    )
    .await;
    told.says(
        ("commits", "by=project&bucket=day"),
        "
        bucket                name     commits
        2026-11-19T00:00:00Z  granary  4
    ",
    )
    .await;
    told.says(
        ("pull_requests", ""),
        "
        pull_requests  sessions  users
        1              1         1
    ",
    )
    .await;
    told.says(
        ("pull_requests", "by=user"),
        "
        name  pull_requests  sessions  users
        bob   1              1         1
    ",
    )
    .await;
    told.says(
        ("pull_requests", "by=team&bucket=hour"),
        "
        bucket                name  pull_requests
        2026-11-19T10:00:00Z  core  1
    ",
    )
    .await;
    told.says(
        ("pull_requests", "by=project&bucket=day"),
        "
        bucket                name     pull_requests
        2026-11-19T00:00:00Z  granary  1
    ",
    )
    .await;
    told.says(
        ("developer_equivalence", "by=user"),
        "
        name  lines_added  hours  days   active_hours  saved_hours  speed
        ann   150          2      0.25   1.5           0.5          1.333333
        bob   75           1      0.125  1             0            1
        eve   30           0.4    0.05   0             0.4          null
    ",
    )
    .await;
    told.says(
        ("developer_equivalence", "lines_per_hour=51"),
        "
        lines_added  hours  days   active_hours  saved_hours  speed
        255          5      0.625  2.5           2.5          2
    ",
    )
    .await;
    told.says(
        ("developer_equivalence", "by=team"),
        "
        name  hours
        core  3
        web   0.4
    ",
    )
    .await;
    told.says(
        ("developer_equivalence", "by=project"),
        "
        name     hours
        granary  3.4
    ",
    )
    .await;
    told.says(
        ("code_acceptance", ""),
        "
        accepted  rejected  decisions  acceptance_rate  rating
        4         2         6          0.666667         fair
    ",
    )
    .await;
    told.says(
        ("code_acceptance", "by=user"),
        "
        name  accepted  rejected  decisions  acceptance_rate  rating
        ann   4         1         5          0.8              good
        bob   0         1         1          0                poor
    ",
    )
    .await;
    told.says(
        ("code_acceptance", "by=language"),
        "
        name    acceptance_rate  rating
        Rust    0.8              good
        Python  0                poor
    ",
    )
    .await;
    told.says(
        ("code_acceptance", "by=tool"),
        "
        name   accepted  rejected
        Edit   4         1
        Write  0         1
    ",
    )
    .await;
    told.says(
        ("code_acceptance", "by=source&bucket=hour"),
        "
        bucket                name         accepted  rejected
        2026-11-19T09:00:00Z  config       4         0
        2026-11-19T09:00:00Z  user_reject  0         1
        2026-11-19T10:00:00Z  user_reject  0         1
    ",
    )
    .await;
    told.says(
        ("code_acceptance", "by=team&bucket=day"),
        "
        bucket                name  decisions
        2026-11-19T00:00:00Z  core  6
    ",
    )
    .await;
    told.says(
        ("code_acceptance", "by=project&user=nobody"),
        "
        name  decisions
    ",
    )
    .await;
    told.says(
        ("code_acceptance", "user=nobody"),
        "
        decisions  acceptance_rate  rating
        0          null             null
    ",
    )
    .await;
    told.says(
        ("productivity_ratio", ""),
        "
        agent_s  user_s  ratio  sessions
        7200     1800    4      2
    ",
    )
    .await;
    told.says(
        ("productivity_ratio", "by=user"),
        "
        name  agent_s  user_s  ratio  sessions
        ann   3600     1800    2      1
        bob   3600     0       null   1
    ",
    )
    .await;
    told.says(
        ("productivity_ratio", "by=team&bucket=hour"),
        "
        bucket                name  agent_s  user_s
        2026-11-19T10:00:00Z  core  7200     1800
    ",
    )
    .await;
    told.says(
        ("productivity_ratio", "by=project&bucket=day"),
        "
        bucket                name     ratio
        2026-11-19T00:00:00Z  granary  4
    ",
    )
    .await;
    told.says(
        ("productivity_score", ""),
        "
        rank  session  user  project  start                     requests  output_tokens  cost  avg_ms  score
        1     s1       ann   granary  2026-11-19T09:00:00.000Z  1         300            0.5   2000    30
    ",
    )
    .await;
    told.says(("efficiency_trend", ""), "
        week        name  sessions  prompts  requests  tools  tool_errors  tool_success_rate  hours     prompts_per_hour  prompts_per_hour_change  tools_per_prompt  cost  cost_per_prompt
        2026-11-16  ann   1         2        1         7      1            0.857143           2         1                 null                     3.5               0.5   0.25
        2026-11-16  bob   1         0        0         2      0            1                  0.016667  0                 null                     null              0     null
    ").await;
    told.says(
        ("efficiency_trend", "by=none"),
        "
        week        sessions  prompts
        2026-11-16  2         2
    ",
    )
    .await;
    told.says(
        ("efficiency_trend", "by=team"),
        "
        week        name  prompts
        2026-11-16  core  2
    ",
    )
    .await;
    told.says(
        ("efficiency_trend", "by=project"),
        "
        week        name     prompts
        2026-11-16  granary  2
    ",
    )
    .await;
    told.says(("file_iterations", ""), "
        session  user  project  file        changes  edits  writes  failed  reads  first_change              last_change               minutes
        s1       ann   granary  /repo/a.rs  2        1      1       1       1      2026-11-19T09:07:00.000Z  2026-11-19T09:27:00.000Z  20
    ").await;
    told.says(
        ("file_iterations", "min_changes=1"),
        "
        file           changes
        /repo/a.rs     2
        /repo/once.rs  1
    ",
    )
    .await;
    told.says(
        ("task_completion", ""),
        "
        sessions  tasks  pending  in_progress  completed  completion_rate
        2         3      1        1            1          0.333333
    ",
    )
    .await;
    told.says(
        ("task_completion", "by=session"),
        "
        name  tasks  pending  in_progress  completed  completion_rate
        s1    2      1        0            1          0.5
        s2    1      0        1            0          0
    ",
    )
    .await;
    told.says(
        ("task_completion", "by=user"),
        "
        name  tasks
        ann   2
        bob   1
    ",
    )
    .await;
    told.says(
        ("task_completion", "by=team"),
        "
        name  tasks
        core  3
    ",
    )
    .await;
    told.says(
        ("task_completion", "by=project"),
        "
        name     tasks
        granary  3
    ",
    )
    .await;
    told.end();
}
