/*
question = "How long do calls of each tool take, over time and by class of duration?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 10000, max = 100000 }
cache = "60s"

[params.bucket]
type = "enum"
values = ["minute", "hour", "day"]
default = "hour"
help = "the width of the time axis (UTC)"

[columns]
bucket = "start of the minute, hour or day"
tool = "the tool's name"
class = "the class of duration, in words"
class_from_ms = "lower bound of the class in milliseconds, inclusive, to sort by"
calls = "calls that ran to a result"
failed = "calls that failed"
*/
WITH
    -- The first bounds are those of an excellent, a good and a bearable answer; a tool over 30 s is a slow one.
    [0, 100, 300, 500, 1000, 10000, 30000] AS bounds,
    ['under 100 ms', '100 to 300 ms', '300 to 500 ms', '500 ms to 1 s', '1 to 10 s', '10 to 30 s', 'over 30 s'] AS names
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
    ToolName AS tool,
    names[indexOf(bounds, class_from_ms)] AS class,
    toUInt64(arrayLast(bound -> DurationMs >= bound, bounds)) AS class_from_ms,
    count() AS calls,
    countIf(NOT ifNull(Success, false)) AS failed
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent = 'tool_result'
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
    AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
GROUP BY
    bucket,
    tool,
    class_from_ms
ORDER BY
    bucket,
    tool,
    class_from_ms
LIMIT {limit:UInt32}
