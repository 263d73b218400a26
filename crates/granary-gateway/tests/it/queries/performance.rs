//! The group `performance`.

use super::answer::Told;

/// Durations of one digit in binary, so that the percentiles, which keep eight bits of each, are exact.
const STORY: &str = "
18T23:59:59.999 s1 ann api_request  model=claude-haiku-4-5  input_tokens=10  output_tokens=1  duration_ms=65536
# Four of haiku: 256, 256, 512 and 1024 ms, which is 512 in the mean; the first token after half of it where it is known.
08:00:00 s1 ann api_request  model=claude-haiku-4-5  input_tokens=500  output_tokens=64  duration_ms=256  ttft_ms=128  request_id=a
08:30:00 s1 ann api_request  model=claude-haiku-4-5  input_tokens=501  cache_read_tokens=20000  output_tokens=64  duration_ms=256  request_id=b
09:00:00 s1 ann api_request  model=claude-haiku-4-5  input_tokens=1500  output_tokens=128  duration_ms=512  ttft_ms=256  request_id=c
09:10:00 s2 bob api_request  model=claude-haiku-4-5  input_tokens=1501  output_tokens=256  duration_ms=1024  request_id=d
# The span of the second says what the event does not.
08:29:59 s1 ann ~claude_code.llm_request  span=b1  ms=256  request_id=b  ttft_ms=64  model=claude-haiku-4-5
# One of opus, without an output.
09:20:00 s2 bob api_request  model=claude-opus-4-5  input_tokens=3001  output_tokens=0  duration_ms=4096  request_id=e
# Tools: in the minute 09:00 two Read and one Bash, in 09:01 one Bash.
09:00:00 s1 ann tool_result  tool_name=Read  success=true  duration_ms=64
09:00:30 s1 ann tool_result  tool_name=Read  success=false  duration_ms=128
09:00:59.999 s2 bob tool_result  tool_name=Bash  success=true  duration_ms=256
09:01:00 s2 bob tool_result  tool_name=Bash  success=true  duration_ms=1024
20T00:00:00 s2 bob tool_result  tool_name=Bash  success=true  duration_ms=1
";

#[tokio::test]
async fn performance_queries_say_how_long_things_took() {
    let mut told = Told::new("performance", STORY).await;
    told.says(
        ("response_times", ""),
        "
        name              count  avg_ms  p50_ms  p95_ms  p99_ms  rating
        claude-haiku-4-5  4      512     256     1024    1024    critical
        claude-opus-4-5   1      4096    4096    4096    4096    critical
    ",
    )
    .await;
    told.says(
        ("response_times", "of=tool"),
        "
        name  count  avg_ms  p50_ms  p95_ms  p99_ms  rating
        Bash  2      640     256     1024    1024    critical
        Read  2      96      64      128     128     excellent
    ",
    )
    .await;
    told.says(
        ("response_times", "of=tool&names=Bash&bucket=hour"),
        "
        bucket                name  count  avg_ms
        2026-11-19T09:00:00Z  Bash  2      640
    ",
    )
    .await;
    told.says(
        ("response_times", "bucket=day&names=claude-opus-4-5"),
        "
        bucket                name             count  avg_ms
        2026-11-19T00:00:00Z  claude-opus-4-5  1      4096
    ",
    )
    .await;
    told.says(
        ("throughput", ""),
        "
        bucket                tool  operations  per_minute  total_per_minute  share     level
        2026-11-19T09:00:00Z  Read  2           2           3                 0.666667  normal
        2026-11-19T09:00:00Z  Bash  1           1           3                 0.333333  normal
        2026-11-19T09:01:00Z  Bash  1           1           1                 1         normal
    ",
    )
    .await;
    told.says(
        ("throughput", "bucket=hour&tool=Bash"),
        "
        bucket                tool  operations  per_minute  total_per_minute  share
        2026-11-19T09:00:00Z  Bash  2           0.033333    0.033333          1
    ",
    )
    .await;
    told.says(
        ("throughput", "bucket=day"),
        "
        bucket                tool  operations  share
        2026-11-19T00:00:00Z  Bash  2           0.5
        2026-11-19T00:00:00Z  Read  2           0.5
    ",
    )
    .await;
    told.says(("time_to_first_token", ""), "
        model             requests  measured  avg_ms   p50_ms  p95_ms  p99_ms  share_of_duration  output_tokens_per_s
        claude-haiku-4-5  4         3         149.333  128     256     256     0.4375             444.444
        claude-opus-4-5   1         0         null     null    null    null    null               null
    ").await;
    told.says(
        ("time_to_first_token", "bucket=hour"),
        "
        bucket                model             requests  measured  avg_ms
        2026-11-19T08:00:00Z  claude-haiku-4-5  2         2         96
        2026-11-19T09:00:00Z  claude-haiku-4-5  2         1         256
        2026-11-19T09:00:00Z  claude-opus-4-5   1         0         null
    ",
    )
    .await;
    told.says(
        ("time_to_first_token", "bucket=day&user=bob"),
        "
        bucket                model             requests  measured  avg_ms
        2026-11-19T00:00:00Z  claude-haiku-4-5  1         0         null
        2026-11-19T00:00:00Z  claude-opus-4-5   1         0         null
    ",
    )
    .await;
    told.says(("latency_by_size", ""), "
        model             size            size_from  requests  avg_ms  p50_ms  p95_ms  p99_ms  avg_output_tokens  ms_per_output_token
        claude-haiku-4-5  up to 500       0          1         256     256     256     256     64                 4
        claude-haiku-4-5  501 to 1,500    501        2         384     256     512     512     96                 4
        claude-haiku-4-5  1,501 to 3,000  1501       1         1024    1024    1024    1024    256                4
        claude-opus-4-5   over 3,000      3001       1         4096    4096    4096    4096    0                  null
    ").await;
    told.says(
        ("latency_by_size", "by=context"),
        "
        model             size              size_from  requests  avg_ms
        claude-haiku-4-5  up to 3,000       0          3         597.333
        claude-haiku-4-5  20,001 to 50,000  20001      1         256
        claude-opus-4-5   3,001 to 20,000   3001       1         4096
    ",
    )
    .await;
    told.says(
        ("latency_by_size", "by=output"),
        "
        model             size        size_from  requests  avg_ms
        claude-haiku-4-5  up to 100   0          2         256
        claude-haiku-4-5  101 to 500  101        2         768
        claude-opus-4-5   up to 100   0          1         4096
    ",
    )
    .await;
    told.end();
}
