/*
question = "How many operations a minute are done, tool by tool?"
filters = ["user", "team", "project", "tool", "terminal", "version"]
tables = ["otel_logs", "tool_usage_hourly"]
limit = { default = 10000, max = 100000 }
cache = "10s"

[params.bucket]
type = "enum"
values = ["minute", "hour", "day"]
default = "minute"
help = "the width of the time axis (UTC)"

[columns]
bucket = "start of the minute, hour or day"
tool = "the tool's name"
operations = "tool calls that ran to a result"
per_minute = "operations for each minute of the bucket, an unfinished one too"
total_per_minute = "the same, of all tools that pass the filters"
share = "operations / operations of all tools in the bucket, 0 to 1"
level = "by total_per_minute: overload over 100, high over 50, else normal"
*/
SELECT
    bucket,
    tool,
    operations,
-- @when bucket = minute
    toFloat64(operations) AS per_minute,
-- @end
-- @when bucket = hour
    operations / 60 AS per_minute,
-- @end
-- @when bucket = day
    operations / 1440 AS per_minute,
-- @end
    sum(per_minute) OVER (PARTITION BY bucket) AS total_per_minute,
    operations / sum(operations) OVER (PARTITION BY bucket) AS share,
    multiIf(total_per_minute > 100, 'overload', total_per_minute > 50, 'high', 'normal') AS level
FROM
(
-- @when bucket = minute
    SELECT
        toStartOfMinute(toDateTime(Timestamp, 'UTC')) AS bucket,
        ToolName AS tool,
        count() AS operations
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
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
-- @end
-- @when bucket = hour
    SELECT
        Hour AS bucket,
-- @end
-- @when bucket = day
    SELECT
        toStartOfDay(Hour) AS bucket,
-- @end
-- @when bucket = hour, day
        ToolName AS tool,
        sum(Calls) AS operations
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
-- @end
    GROUP BY
        bucket,
        tool
    HAVING operations > 0
)
ORDER BY
    bucket,
    operations DESC,
    tool
LIMIT {limit:UInt32}
