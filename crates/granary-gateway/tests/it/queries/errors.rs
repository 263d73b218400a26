//! The group `errors`.

use super::answer::Told;

/// ann's session meets an overload that is given up after 3 attempts and gets an answer 30 s later; bob's is refused and never answered again.
const STORY: &str = "
18T23:59:59.999 s1 ann api_error  model=claude-haiku-4-5  status_code=500  error=yesterday  attempt=1  duration_ms=1
08:00:00 s1 ann api_request  model=claude-haiku-4-5  cost_usd=0.1  input_tokens=400  output_tokens=10  duration_ms=1000
08:00:30 s1 ann api_error  model=claude-haiku-4-5  status_code=529  error=overloaded after 1200 ms  attempt=3  duration_ms=1200
08:01:00 s1 ann api_request  model=claude-haiku-4-5  cost_usd=0.1  input_tokens=600  output_tokens=10  duration_ms=3000
08:02:00 s1 ann tool_result  tool_name=Bash  success=false  duration_ms=10  error=exit code 101 in /home/ann/x.rs
08:03:00 s1 ann tool_result  tool_name=Bash  success=false  duration_ms=10  error=exit code 7 in /home/ann/y.rs
08:04:00 s1 ann tool_result  tool_name=Bash  success=true  duration_ms=10
09:00:00 s2 bob tool_result  tool_name=Read  success=false  duration_ms=10  error=no such file
09:01:00 s2 bob tool_result  tool_name=Read  success=true  duration_ms=10
09:02:00 s2 bob mcp_server_connection  status=failed  server_name=docs  error_code=ECONNREFUSED
09:03:00 s2 bob mcp_server_connection  status=connected  server_name=docs
09:04:00 s2 bob api_error  model=claude-opus-4-5  status_code=401  error=invalid key  attempt=1  duration_ms=200
09:05:00 s2 bob auth  success=false  action=login
# Connections that fail have no status; this is a timeout.
09:06:00 s2 bob api_error  model=claude-opus-4-5  error=Request timed out.  attempt=1  duration_ms=60000
20T00:00:00 s2 bob tool_result  tool_name=Read  success=false  duration_ms=10  error=tomorrow
# A request that was answered at its second attempt, as its span says.
08:01:00 s1 ann ~claude_code.llm_request  span=a  ms=3000  model=claude-haiku-4-5  attempt=2  success=true  input_tokens=600
";

#[tokio::test]
async fn error_queries_say_what_failed() {
    let mut told = Told::new("errors", STORY).await;
    told.says(
        ("error_timeline", ""),
        "
        bucket                errors  tool_errors  api_errors  other_errors  sessions  users
        2026-11-19T08:00:00Z  3       2            1           0             1         1
        2026-11-19T09:00:00Z  5       1            2           2             1         1
    ",
    )
    .await;
    told.says(
        ("error_timeline", "bucket=day"),
        "
        bucket                errors  tool_errors  api_errors  other_errors  sessions  users
        2026-11-19T00:00:00Z  8       3            3           2             2         2
    ",
    )
    .await;
    told.says(
        ("error_timeline", "bucket=minute&user=ann"),
        "
        bucket                errors
        2026-11-19T08:00:00Z  1
        2026-11-19T08:02:00Z  1
        2026-11-19T08:03:00Z  1
    ",
    )
    .await;
    told.says(
        ("errors_by_tool", ""),
        "
        tool  failed  total_failed  share     calls  failure_rate  users
        Bash  2       3             0.666667  3      0.666667      1
        Read  1       3             0.333333  2      0.5           1
    ",
    )
    .await;
    told.says(("error_messages", ""), "
        message                       event                  count  sessions  users  tools   models              first_seen                last_seen                 example                        example_session
        exit code <number> in <path>  tool_result            2      1         1      [Bash]  []                  2026-11-19T08:02:00.000Z  2026-11-19T08:03:00.000Z  exit code 7 in /home/ann/y.rs  s1
        Request timed out.            api_error              1      1         1      []      [claude-opus-4-5]   2026-11-19T09:06:00.000Z  2026-11-19T09:06:00.000Z  Request timed out.             s2
        unknown                       auth                   1      1         1      []      []                  2026-11-19T09:05:00.000Z  2026-11-19T09:05:00.000Z  unknown                        s2
        invalid key                   api_error              1      1         1      []      [claude-opus-4-5]   2026-11-19T09:04:00.000Z  2026-11-19T09:04:00.000Z  invalid key                    s2
        ECONNREFUSED                  mcp_server_connection  1      1         1      []      []                  2026-11-19T09:02:00.000Z  2026-11-19T09:02:00.000Z  ECONNREFUSED                   s2
        no such file                  tool_result            1      1         1      [Read]  []                  2026-11-19T09:00:00.000Z  2026-11-19T09:00:00.000Z  no such file                   s2
        overloaded after <number> ms  api_error              1      1         1      []      [claude-haiku-4-5]  2026-11-19T08:00:30.000Z  2026-11-19T08:00:30.000Z  overloaded after 1200 ms       s1
    ").await;
    told.says(("api_errors", ""), "
        status  errors  total_errors  share     requests  error_rate  sessions  users  models              max_attempt  avg_ms  first_seen                last_seen                 example
        401     1       3             0.333333  5         0.2         1         1      [claude-opus-4-5]   1            200     2026-11-19T09:04:00.000Z  2026-11-19T09:04:00.000Z  invalid key
        529     1       3             0.333333  5         0.2         1         1      [claude-haiku-4-5]  3            1200    2026-11-19T08:00:30.000Z  2026-11-19T08:00:30.000Z  overloaded after 1200 ms
        none    1       3             0.333333  5         0.2         1         1      [claude-opus-4-5]   1            60000   2026-11-19T09:06:00.000Z  2026-11-19T09:06:00.000Z  Request timed out.
    ").await;
    told.says(
        ("api_errors", "bucket=hour"),
        "
        bucket                status  errors  total_errors  share  requests  error_rate
        2026-11-19T08:00:00Z  529     1       1             1      3         0.333333
        2026-11-19T09:00:00Z  401     1       2             0.5    2         0.5
        2026-11-19T09:00:00Z  none    1       2             0.5    2         0.5
    ",
    )
    .await;
    told.says(
        ("api_errors", "bucket=day&model=claude-haiku-4-5"),
        "
        bucket                status  errors  requests
        2026-11-19T00:00:00Z  529     1       3
    ",
    )
    .await;
    told.says(
        ("retries", ""),
        "
        attempt  answered  failed  requests  share  sessions  models
        1        0         2       2         0.5    1         [claude-opus-4-5]
        2        1         0       1         0.25   1         [claude-haiku-4-5]
        3        0         1       1         0.25   1         [claude-haiku-4-5]
    ",
    )
    .await;
    told.says(
        ("retries", "bucket=hour"),
        "
        bucket                attempt  answered  failed  requests  share
        2026-11-19T08:00:00Z  2        1         0       1         0.5
        2026-11-19T08:00:00Z  3        0         1       1         0.5
        2026-11-19T09:00:00Z  1        0         2       2         1
    ",
    )
    .await;
    told.says(
        ("retries", "bucket=day&min_attempt=2"),
        "
        bucket                attempt  requests  share
        2026-11-19T00:00:00Z  2        1         0.5
        2026-11-19T00:00:00Z  3        1         0.5
    ",
    )
    .await;
    told.says(
        ("error_matrix", ""),
        "
        hour  tool  failed  calls  failure_rate
        8     Bash  2       3      0.666667
        9     Read  1       2      0.5
    ",
    )
    .await;
    told.says(
        ("error_matrix", "timezone=America/New_York&tool=Bash"),
        "
        hour  tool  failed  calls
        3     Bash  2       3
    ",
    )
    .await;
    told.says(
        ("error_rate", "bucket=none"),
        "
        category  operations  errors  error_rate  level
        api       5           3       0.6         critical
        tool      5           3       0.6         critical
        mcp       2           1       0.5         critical
        auth      1           1       1           critical
    ",
    )
    .await;
    told.says(
        ("error_rate", "by=none&bucket=day"),
        "
        bucket                operations  errors  error_rate  level
        2026-11-19T00:00:00Z  13          8       0.615385    critical
    ",
    )
    .await;
    told.says(
        ("error_rate", "by=none&bucket=hour"),
        "
        bucket                operations  errors  level
        2026-11-19T08:00:00Z  6           3       critical
        2026-11-19T09:00:00Z  7           5       critical
    ",
    )
    .await;
    told.says(
        ("error_rate", "by=none&bucket=minute&user=ann"),
        "
        bucket                operations  errors
        2026-11-19T08:00:00Z  2           1
        2026-11-19T08:01:00Z  1           0
        2026-11-19T08:02:00Z  1           1
        2026-11-19T08:03:00Z  1           1
        2026-11-19T08:04:00Z  1           0
    ",
    )
    .await;
    told.says(("error_recovery", ""), "
        session  user  project  incidents  failed_requests  recovered  unrecovered  recovery_rate  avg_recovery_s  max_recovery_s  avg_failed_requests  first_error               last_error                last_message
        s2       bob   granary  1          2                0          1            0              null            null            2                    2026-11-19T09:04:00.000Z  2026-11-19T09:06:00.000Z  Request timed out.
        s1       ann   granary  1          1                1          0            1              30              30              1                    2026-11-19T08:00:30.000Z  2026-11-19T08:00:30.000Z  overloaded after 1200 ms
    ").await;
    told.says(("timeout_risk", ""), "
        model             size          size_from  requests  failed  failure_rate  timeouts  timeout_rate  avg_ms  p95_ms  risk
        claude-haiku-4-5  up to 500     0          2         1       0.5           1         0.5           1000    1000    high
        claude-haiku-4-5  501 to 1,500  501        1         0       0             0         0             3000    2992    low
        claude-opus-4-5   unknown       null       2         2       1             1         0.5           null    null    high
    ").await;
    told.end();
}
