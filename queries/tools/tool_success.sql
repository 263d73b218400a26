/*
question = "How often does each tool succeed, and how long does it take?"
filters = ["user", "team", "project", "tool", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 1000, max = 10000 }
cache = "10s"

[prometheus]
values = ["calls", "ok", "failed", "success_rate", "avg_ms", "p50_ms", "p95_ms", "p99_ms"]
labels = ["tool"]

[columns]
tool = "the tool's name"
calls = "calls that ran to a result"
ok = "calls that succeeded"
failed = "calls that failed"
success_rate = "ok / calls, 0 to 1"
avg_ms = "mean duration in milliseconds"
p50_ms = "median duration, within 0.4 %"
p95_ms = "95th percentile of the duration, within 0.4 %"
p99_ms = "99th percentile of the duration, within 0.4 %"
*/
WITH
    quantilesBFloat16Merge(0.5, 0.95, 0.99)(DurationQuantiles) AS quantiles
SELECT
    ToolName AS tool,
    sum(Calls) AS calls,
    sum(Ok) AS ok,
    sum(Failed) AS failed,
    ok / calls AS success_rate,
    round(sum(DurationMs) / calls, 3) AS avg_ms,
    round(quantiles[1], 1) AS p50_ms,
    round(quantiles[2], 1) AS p95_ms,
    round(quantiles[3], 1) AS p99_ms
FROM tool_usage_hourly
WHERE TenantId = {tenant:String}
    AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
    AND Hour < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
    AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
GROUP BY tool
HAVING calls > 0
ORDER BY
    calls DESC,
    tool
LIMIT {limit:UInt32}
