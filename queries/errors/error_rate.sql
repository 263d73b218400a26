/*
question = "What share of operations fails, by category and over time?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.by]
type = "enum"
values = ["none", "category"]
default = "category"
help = "all operations together, or each category"

[params.bucket]
type = "enum"
values = ["none", "minute", "hour", "day"]
default = "hour"
help = "the range as a whole, or each minute, hour or day (UTC)"

[columns]
bucket = "start of the minute, hour or day; only when bucket is not none"
category = "tool, api, mcp, hook, compaction or auth; only when by is category"
operations = "operations that ended, one way or the other"
errors = "operations that failed"
error_rate = "errors / operations, 0 to 1"
level = "healthy up to 0.05, warning up to 0.1, else critical"
*/
SELECT
-- @when bucket = minute, hour, day
    bucket,
-- @end
-- @when by = category
    category,
-- @end
    count() AS operations,
    countIf(failure) AS errors,
    errors / operations AS error_rate,
    multiIf(error_rate <= 0.05, 'healthy', error_rate <= 0.1, 'warning', 'critical') AS level
FROM
(
    SELECT
-- @when bucket = minute
        toStartOfMinute(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = hour
        toStartOfHour(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
        toStartOfDay(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
        transform(toString(AgentEvent), ['tool_result', 'api_request', 'api_error'], ['tool', 'api', 'api'], toString(AgentEvent)) AS category,
        multiIf(
            AgentEvent = 'api_error', true,
            AgentEvent = 'api_request', false,
            AgentEvent = 'tool_result', NOT ifNull(Success, false),
            ifNull(Success = false, false)) AS failure
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent IN ('tool_result', 'api_request', 'api_error', 'compaction', 'auth')
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    UNION ALL
    -- What these say of success stands in their attributes, which are not read for the others.
    SELECT
-- @when bucket = minute
        toStartOfMinute(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = hour
        toStartOfHour(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
        toStartOfDay(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
        if(AgentEvent = 'mcp_server_connection', 'mcp', 'hook') AS category,
        if(
            AgentEvent = 'mcp_server_connection',
            LogAttributes['status'] = 'failed',
            toUInt64OrZero(LogAttributes['num_non_blocking_error']) > 0) AS failure
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent IN ('mcp_server_connection', 'hook_execution_complete')
        AND LogAttributes['status'] != 'disconnected'
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
)
GROUP BY ALL
ORDER BY
-- @when bucket = minute, hour, day
    bucket,
-- @end
    operations DESC
-- @when by = category
    , category
-- @end
LIMIT {limit:UInt32}
