//! What is told from many days: forecasts, and days that stand out.

use super::answer::Told;

/// Each day from Monday the 2nd to Sunday the 15th costs as many dollars as the day of the month, in one request; on the 19th, after
/// three days without any, bob spends twenty.
const STORY: &str = "
02T12:00:00 a2 bob api_request  model=claude-haiku-4-5  cost_usd=2  input_tokens=10
03T12:00:00 a3 bob api_request  model=claude-haiku-4-5  cost_usd=3  input_tokens=10
04T12:00:00 a4 bob api_request  model=claude-haiku-4-5  cost_usd=4  input_tokens=10
05T12:00:00 a5 bob api_request  model=claude-haiku-4-5  cost_usd=5  input_tokens=10
06T12:00:00 a6 bob api_request  model=claude-haiku-4-5  cost_usd=6  input_tokens=10
07T12:00:00 a7 bob api_request  model=claude-haiku-4-5  cost_usd=7  input_tokens=10
08T12:00:00 a8 bob api_request  model=claude-haiku-4-5  cost_usd=8  input_tokens=10
09T12:00:00 a9 bob api_request  model=claude-haiku-4-5  cost_usd=9  input_tokens=10
10T12:00:00 a10 bob api_request  model=claude-haiku-4-5  cost_usd=10  input_tokens=10
11T12:00:00 a11 bob api_request  model=claude-haiku-4-5  cost_usd=11  input_tokens=10
12T12:00:00 a12 bob api_request  model=claude-haiku-4-5  cost_usd=12  input_tokens=10
13T12:00:00 a13 bob api_request  model=claude-haiku-4-5  cost_usd=13  input_tokens=10
14T12:00:00 a14 bob api_request  model=claude-haiku-4-5  cost_usd=14  input_tokens=10
15T12:00:00 a15 bob api_request  model=claude-haiku-4-5  cost_usd=15  input_tokens=10
19T12:00:00 a19 bob api_request  model=claude-haiku-4-5  cost_usd=20  input_tokens=10
";

#[tokio::test]
async fn trends_go_on_as_they_were() {
    let mut told = Told::new("trends", STORY).await;
    told.says(
        ("cost_forecast", "from=2026-11-02T00:00:00Z&to=2026-11-16T00:00:00Z&days=2"),
        "
        day         cost  low  high  trend  weekday_effect  total  history_days
        2026-11-16  16    16   16    16     0               16     14
        2026-11-17  17    17   17    17     0               33     14
    ",
    )
    .await;
    told.says(
        ("usage_forecast", "from=2026-11-02T00:00:00Z&to=2026-11-16T00:00:00Z&days=2"),
        "
        day         value  low  high  trend  weekday_effect  history_days
        2026-11-16  1      1    1     1      0               14
        2026-11-17  1      1    1     1      0               14
    ",
    )
    .await;
    told.says(
        (
            "usage_forecast",
            "from=2026-11-02T00:00:00Z&to=2026-11-16T00:00:00Z&days=1&measure=tokens&confidence=80",
        ),
        "
        day         value  trend
        2026-11-16  10     10
    ",
    )
    .await;
    told.says(
        (
            "usage_forecast",
            "from=2026-11-02T00:00:00Z&to=2026-11-16T00:00:00Z&days=1&measure=users&confidence=90",
        ),
        "
        day         value  trend
        2026-11-16  1      1
    ",
    )
    .await;
    told.says(
        (
            "usage_forecast",
            "from=2026-11-02T00:00:00Z&to=2026-11-16T00:00:00Z&days=1&measure=sessions&confidence=99",
        ),
        "
        day         value  trend
        2026-11-16  1      1
    ",
    )
    .await;
    told.says(
        ("cost_anomalies_daily", ""),
        "
        day         name  cost  days_before  mean  median  ratio  score  reason
        2026-11-19  bob   20    14           8.5   8.5     2.353  2.216  2.4 times the mean of 14 days ($8.50)
    ",
    )
    .await;
    told.says(
        ("cost_anomalies_daily", "by=team&k=1.5&min_score=100"),
        "
        day         name  reason
        2026-11-19  core  2.4 times the mean of 14 days ($8.50)
    ",
    )
    .await;
    told.says(
        ("cost_anomalies_daily", "by=project&min_days=15"),
        "
        day  name
    ",
    )
    .await;
    told.end();
}
