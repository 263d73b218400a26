/*
question = "When do errors occur?"
filters = ["user", "team", "project", "model", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.bucket]
type = "enum"
values = ["minute", "hour", "day"]
default = "hour"
help = "the width of the time axis (UTC); without errors there is no row"

[columns]
bucket = "start of the minute, hour or day"
errors = "errors of every kind"
tool_errors = "tool calls that failed"
api_errors = "API requests that failed for good"
other_errors = "failed MCP connections, compactions and log-ins, and the client's internal errors"
sessions = "sessions that met an error"
users = "users who met an error"
*/
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
    count() AS errors,
    countIf(AgentEvent = 'tool_result') AS tool_errors,
    countIf(AgentEvent = 'api_error') AS api_errors,
    toUInt64(errors - tool_errors - api_errors) AS other_errors,
    uniqExactIf(SessionId, SessionId != '') AS sessions,
    uniqExactIf(UserId, UserId != '') AS users
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent IN ('tool_result', 'api_error', 'internal_error', 'mcp_server_connection', 'compaction', 'auth')
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND multiIf(
        AgentEvent IN ('api_error', 'internal_error', 'mcp_server_connection'), true,
        AgentEvent = 'tool_result', NOT ifNull(Success, false),
        ifNull(Success = false, false))
    AND (AgentEvent != 'mcp_server_connection' OR LogAttributes['status'] = 'failed')
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
    AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
    AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
GROUP BY bucket
ORDER BY bucket
LIMIT {limit:UInt32}
