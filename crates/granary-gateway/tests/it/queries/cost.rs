//! The group `cost`.

use super::answer::Told;

/// Prices per million tokens, in and out: haiku 1 and 5, sonnet 3 and 15, opus 5 and 25; read from the cache a tenth of what goes in costs,
/// written to it five quarters. The first and last instants of the day are in, the instants around it are out.
const STORY: &str = "
# The day before: what today is compared with. 0.20, and at the last instant 0.30.
18T10:00:00 s0 ann api_request  model=claude-haiku-4-5  cost_usd=0.20  input_tokens=1000  output_tokens=100  duration_ms=1000
18T23:59:59.999 s0 ann api_request  model=claude-haiku-4-5  cost_usd=0.30  input_tokens=1000  output_tokens=100  duration_ms=1000
# The day: ann 1.00 with haiku at midnight , 2.00 with sonnet; bob 4.00
# with opus, eve 1.00 with a model that nobody has a price for. Haiku's list price: 2000 * 1 + 200 * 5 + 8000 * 0.1 = 3800 millionths;
# sonnet's: 400 * 3 + 1000 * 15 + 600 * 3.75 + 1000 * 6 = 24450, since what is kept for an hour costs twice the input; opus's: 65000.
00:00:00 s1 ann api_request  model=claude-haiku-4-5-20251001  cost_usd=1.00  input_tokens=2000  output_tokens=200  cache_read_tokens=8000  duration_ms=1000  organization.id=acme  request_id=r1
09:30:00 s1 ann api_request  model=claude-sonnet-4-5  cost_usd=2.00  input_tokens=400  output_tokens=1000  cache_creation_tokens=1600  cache_creation_5m_tokens=600  cache_creation_1h_tokens=1000  duration_ms=3000  organization.id=acme  query_source=subagent  agent.name=Explore  request_id=r2
09:59:59 s2 bob api_request  model=claude-opus-4-5[1m]  cost_usd=4.00  input_tokens=3000  output_tokens=2000  duration_ms=8000  skill.name=review  terminal.type=iTerm  request_id=r3
23:59:59.999 s3 eve api_request  model=gpt-x  cost_usd=1.00  input_tokens=5000  output_tokens=0  duration_ms=500  mcp_server.name=docs  @service.version=2.2.0  request_id=r4
# Bob's request ran a shell, so it was not one for a smaller model.
09:59:58 s2 bob tool_decision  tool_name=Bash  decision=accept  source=config  request_id=r3
# The day after is out.
20T00:00:00 s4 eve api_request  model=claude-haiku-4-5  cost_usd=64.00  input_tokens=7  output_tokens=7  duration_ms=7
# 500 lines added in the day.
10:00:00 s1 ann +claude_code.lines_of_code.count  value=400  type=added  model=claude-sonnet-4-5
11:00:00 s2 bob +claude_code.lines_of_code.count  value=100  type=added  model=claude-opus-4-5
11:00:00 s2 bob +claude_code.lines_of_code.count  value=30  type=removed  model=claude-opus-4-5
";

#[tokio::test]
async fn cost_queries_say_what_the_requests_cost() {
    let mut told = Told::new("cost", STORY).await;
    told.says(("cost_summary", ""), "
        cost  cost_list  requests  sessions  users  input_tokens  output_tokens  cache_read_tokens  cache_creation_tokens  cost_before  change  cost_per_day  priced_requests  cost_priced
        8     0.09325    4         3         3      10400         3200           8000               1600                   0.5          15      8             3                7
    ").await;
    told.says(
        ("cost_summary", "user=ann&model=claude-haiku-4-5"),
        "
        cost  requests  sessions  users  cost_before  change
        1     1         1         1      0.5          1
    ",
    )
    .await;
    told.says(("cost_by_model", ""), "
        model              requests  cost  cost_list  input_tokens  output_tokens  cache_read_tokens  cache_creation_tokens  avg_ms
        claude-opus-4-5    1         4     0.065      3000          2000           0                  0                      8000
        claude-sonnet-4-5  1         2     0.02445    400           1000           0                  1600                   3000
        claude-haiku-4-5   1         1     0.0038     2000          200            8000               0                      1000
        gpt-x              1         1     null       5000          0              0                  0                      500
    ").await;
    told.says(
        ("cost_by_model", "bucket=hour"),
        "
        bucket                model              cost
        2026-11-19T00:00:00Z  claude-haiku-4-5   1
        2026-11-19T09:00:00Z  claude-opus-4-5    4
        2026-11-19T09:00:00Z  claude-sonnet-4-5  2
        2026-11-19T23:00:00Z  gpt-x              1
    ",
    )
    .await;
    told.says(
        ("cost_by_model", "bucket=day"),
        "
        bucket                model              cost
        2026-11-19T00:00:00Z  claude-opus-4-5    4
        2026-11-19T00:00:00Z  claude-sonnet-4-5  2
        2026-11-19T00:00:00Z  claude-haiku-4-5   1
        2026-11-19T00:00:00Z  gpt-x              1
    ",
    )
    .await;
    told.says(("cost_by", "by=user"), "
        name  requests  users  cost  total_cost  share  cost_list  input_tokens  output_tokens  cache_read_tokens  cache_creation_tokens  avg_ms
        bob   1         1      4     8           0.5    0.065      3000          2000           0                  0                      8000
        ann   2         1      3     8           0.375  0.02825    2400          1200           8000               1600                   2000
        eve   1         1      1     8           0.125  null       5000          0              0                  0                      500
    ").await;
    told.says(
        ("cost_by", "by=team"),
        "
        name  cost  requests
        core  7     3
        web   1     1
    ",
    )
    .await;
    told.says(
        ("cost_by", "by=project"),
        "
        name     cost  requests
        granary  8     4
    ",
    )
    .await;
    told.says(
        ("cost_by", "by=organization"),
        "
        name  cost  requests
        ''    5     2
        acme  3     2
    ",
    )
    .await;
    told.says(
        ("cost_by", "by=terminal&bucket=hour"),
        "
        bucket                name    cost  requests
        2026-11-19T00:00:00Z  vscode  1     1
        2026-11-19T09:00:00Z  iTerm   4     1
        2026-11-19T09:00:00Z  vscode  2     1
        2026-11-19T23:00:00Z  vscode  1     1
    ",
    )
    .await;
    told.says(
        ("cost_by", "by=version&bucket=day"),
        "
        bucket                name   cost  requests
        2026-11-19T00:00:00Z  2.1.0  7     3
        2026-11-19T00:00:00Z  2.2.0  1     1
    ",
    )
    .await;
    told.says(
        ("cost_by", "by=agent"),
        "
        name     cost  requests
        ''       6     3
        Explore  2     1
    ",
    )
    .await;
    told.says(
        ("cost_by", "by=skill"),
        "
        name    cost  requests
        ''      4     3
        review  4     1
    ",
    )
    .await;
    told.says(
        ("cost_by", "by=mcp_server"),
        "
        name  cost  requests
        ''    7     3
        docs  1     1
    ",
    )
    .await;
    told.says(
        ("burn_rate", ""),
        "
        cost  cost_list  hours  cost_per_hour  projected_day  projected_month
        8     0.09325    24     0.333333       8              240
    ",
    )
    .await;
    told.says(
        ("burn_rate", "bucket=hour"),
        "
        bucket                cost  hours  cost_per_hour  projected_day
        2026-11-19T00:00:00Z  1     1      1              24
        2026-11-19T09:00:00Z  6     1      6              144
        2026-11-19T23:00:00Z  1     1      1              24
    ",
    )
    .await;
    told.says(
        ("burn_rate", "bucket=day"),
        "
        bucket                cost  hours  cost_per_hour  projected_month
        2026-11-19T00:00:00Z  8     24     0.333333       240
    ",
    )
    .await;
    told.says(("cost_per_token", ""), "
        model              requests  cost  cost_list  input_tokens  output_tokens  all_tokens  cost_per_input_token  cost_per_output_token  cost_per_million_tokens  avg_cost  avg_ms  output_tokens_per_s
        claude-opus-4-5    1         4     0.065      3000          2000           5000        0.001333              0.002                  800                      4         8000    250
        claude-sonnet-4-5  1         2     0.02445    400           1000           3000        0.005                 0.002                  666.666667               2         3000    333.333
        claude-haiku-4-5   1         1     0.0038     2000          200            10200       0.0005                0.005                  98.039216                1         1000    200
        gpt-x              1         1     null       5000          0              5000        0.0002                null                   200                      1         500     0
    ").await;
    told.says(("token_breakdown", "bucket=none"), "
        requests  input_tokens  output_tokens  cache_read_tokens  cache_creation_tokens  total_tokens  cache_creation_5m_tokens  cache_creation_1h_tokens
        4         10400         3200           8000               1600                   23200         600                       1000
    ").await;
    told.says(
        ("token_breakdown", ""),
        "
        bucket                requests  total_tokens
        2026-11-19T00:00:00Z  1         10200
        2026-11-19T09:00:00Z  2         8000
        2026-11-19T23:00:00Z  1         5000
    ",
    )
    .await;
    told.says(
        ("token_breakdown", "bucket=day"),
        "
        bucket                requests  total_tokens
        2026-11-19T00:00:00Z  4         23200
    ",
    )
    .await;
    told.says(("cache_efficiency", ""), "
        name               requests  input_tokens  cache_read_tokens  cache_creation_tokens  all_input_tokens  cache_hit_rate  read_share  reads_per_write  rating
        claude-haiku-4-5   1         2000          8000               0                      10000             0.8             0.8         null             good
        gpt-x              1         5000          0                  0                      5000              0               0           null             poor
        claude-opus-4-5    1         3000          0                  0                      3000              0               0           null             poor
        claude-sonnet-4-5  1         400           0                  1600                   2000              0               0           0                poor
    ").await;
    told.says(
        ("cache_efficiency", "by=none"),
        "
        requests  cache_hit_rate  read_share  reads_per_write  rating
        4         0.4             0.434783    5                poor
    ",
    )
    .await;
    told.says(
        ("cache_efficiency", "by=none&bucket=hour"),
        "
        bucket                cache_hit_rate  rating
        2026-11-19T00:00:00Z  0.8             good
        2026-11-19T09:00:00Z  0               poor
        2026-11-19T23:00:00Z  0               poor
    ",
    )
    .await;
    told.says(
        ("cache_efficiency", "by=none&bucket=day&user=nobody"),
        "
        bucket  cache_hit_rate
    ",
    )
    .await;
    told.says(
        ("cost_per_1k_lines", ""),
        "
        cost  cost_list  lines_added  lines_removed  cost_per_1k_lines  lines_per_usd
        8     0.09325    500          30             16                 62.5
    ",
    )
    .await;
    told.says(("request_size_buckets", ""), "
        size    requests  total_requests  share  avg_ms  p95_ms  cost  cost_list  avg_cost  output_tokens  cost_per_1k_output_tokens  rating
        small   1         4               0.25   3000    2992    2     0.02445    2         1000           2                          high
        large   2         4               0.5    4500    8000    5     0.0688     2.5       2200           2.272727                   medium
        xlarge  1         4               0.25   500     500     1     null       1         0              null                       highest
    ").await;
    told.says(
        ("cost_anomalies", "k=1.4"),
        "
        session  user  cost  mean      ratio  score  reason
        s2       bob   4     2.666667  1.5    0.674  1.5 times the mean of 3 sessions ($2.67)
    ",
    )
    .await;
    told.says(("budget_status", "budget=10"), "
        month       budget  spent  spent_list  spent_share  remaining  days_elapsed  days_in_month  cost_per_day  projected  projected_share  used_up_on  status
        2026-11-01  10      8.5    0.09625     0.85         1.5        19            30             0.447368      13.421053  1.342105         2026-11-23  at_risk
    ").await;
    told.says(
        ("budget_status", "budget=5"),
        "
        spent  used_up_on  status
        8.5    2026-11-19  over
    ",
    )
    .await;
    told.says(
        ("budget_status", "budget=1000"),
        "
        spent  used_up_on  status
        8.5    null        within
    ",
    )
    .await;
    told.says(("cost_drift", ""), "
        model              version  requests  cost  priced_requests  cost_priced  cost_list  difference  drift
        claude-opus-4-5    2.1.0    1         4     1                4            0.065      3.935       60.538462
        claude-sonnet-4-5  2.1.0    1         2     1                2            0.02445    1.97555     80.799591
        claude-haiku-4-5   2.1.0    1         1     1                1            0.0038     0.9962      262.157895
        gpt-x              2.2.0    1         1     0                0            null       null        null
    ").await;
    told.says(("model_savings", ""), "
        model              cheaper_model      requests  candidates  candidate_share  cost  cost_list  cost_cheaper  saving  saving_share
        claude-haiku-4-5   ''                 1         1           1                1     0.0038     null          null    null
        claude-opus-4-5    claude-sonnet-5-5  1         0           0                0     null       null          null    null
        claude-sonnet-4-5  claude-haiku-5-5   1         0           0                0     null       null          null    null
        gpt-x              ''                 1         1           1                1     null       null          null    null
    ").await;
    told.says(
        ("model_savings", "to_tier=cheapest&max_output_tokens=2000"),
        "
        model              cheaper_model     candidates  cost_list  cost_cheaper  saving
        claude-sonnet-4-5  claude-haiku-5-5  1           0.02445    0.000815      0.023635
        claude-haiku-4-5   ''                1           0.0038     null          null
        claude-opus-4-5    claude-haiku-5-5  0           null       null          null
        gpt-x              ''                1           null       null          null
    ",
    )
    .await;
    told.says(
        ("plan_value", "by=user"),
        "
        name  seats  days  cost  cost_list  plan_cost  value  saved
        bob   1      1     4     0.065      6.666667   0.6    -2.666667
        ann   1      1     3     0.02825    6.666667   0.45   -3.666667
        eve   1      1     1     null       6.666667   0.15   -5.666667
    ",
    )
    .await;
    told.says(
        ("plan_value", "by=team"),
        "
        name  seats  cost  plan_cost  value
        core  2      7     13.333333  0.525
        web   1      1     6.666667   0.15
    ",
    )
    .await;
    told.says(
        ("plan_value", "by=none"),
        "
        seats  cost  plan_cost  value  saved
        3      8     20         0.4    -12
    ",
    )
    .await;
    told.says(("cost_today", ""), "
        day         cost  cost_list  requests  days_with_cost  daily_average  change  message
        2026-11-19  8     0.09325    4         1               0.5            15      1500 % above the daily average
    ").await;
    told.end();
}
