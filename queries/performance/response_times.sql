/*
question = "How long do models or tools take to answer, over time?"
filters = ["user", "team", "project", "terminal", "version"]
tables = ["otel_logs", "tool_usage_hourly"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.of]
type = "enum"
values = ["model", "tool"]
default = "model"
help = "the answers of models, or the results of tools"

[params.names]
type = "strings"
default = []
help = "only these models or tools; empty means all"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "the range as a whole, or each hour or day (UTC)"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
name = "the model, by the one name that all its spellings have, or the tool"
count = "answers"
avg_ms = "mean duration in milliseconds"
p50_ms = "median duration in milliseconds, within 0.4 %"
p95_ms = "95th percentile, within 0.4 %"
p99_ms = "99th percentile, within 0.4 %"
rating = "by avg_ms: excellent under 100 ms, good under 300, warning up to 500, else critical; made for tools, hard on models"
*/
WITH
-- @when of = model
    toStartOfHour(toDateTime(Timestamp, 'UTC')) AS hour,
    quantilesBFloat16(0.5, 0.95, 0.99)(DurationMs) AS quantiles
-- @end
-- @when of = tool
    Hour AS hour,
    quantilesBFloat16Merge(0.5, 0.95, 0.99)(DurationQuantiles) AS quantiles
-- @end
SELECT
-- @when bucket = hour
    hour AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(hour) AS bucket,
-- @end
-- @when of = model
    Model AS name,
    count() AS count,
-- @end
-- @when of = tool
    ToolName AS name,
    sum(Calls) AS count,
-- @end
    round(sum(DurationMs) / count, 3) AS avg_ms,
    round(quantiles[1], 1) AS p50_ms,
    round(quantiles[2], 1) AS p95_ms,
    round(quantiles[3], 1) AS p99_ms,
    multiIf(avg_ms < 100, 'excellent', avg_ms < 300, 'good', avg_ms <= 500, 'warning', 'critical') AS rating
-- @when of = model
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent = 'api_request'
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
-- @end
-- @when of = tool
FROM tool_usage_hourly
WHERE TenantId = {tenant:String}
    AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
    AND Hour < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
-- @end
    AND (empty({names:Array(String)}) OR name IN {names:Array(String)})
GROUP BY ALL
HAVING count > 0
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    count DESC,
    name
LIMIT {limit:UInt32}
