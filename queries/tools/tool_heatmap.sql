/*
question = "At which hours of the day is each tool used?"
filters = ["user", "team", "project", "tool", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 10000, max = 100000 }
cache = "60s"
default_from = "-7d"

[params.timezone]
type = "string"
default = "UTC"
help = "the time zone that the hours are read in, such as Europe/Berlin; where it is off by half an hour, so are they"

[columns]
hour = "hour of the day, 0 to 23"
tool = "the tool's name"
calls = "calls that ran to a result"
failed = "calls that failed"
failure_rate = "failed / calls, 0 to 1"
users = "users who used the tool or were asked to allow it"
*/
SELECT
    toHour(toTimeZone(Hour, {timezone:String})) AS hour,
    ToolName AS tool,
    sum(Calls) AS calls,
    sum(Failed) AS failed,
    failed / nullIf(calls, 0) AS failure_rate,
    uniqExactIf(UserId, UserId != '') AS users
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
GROUP BY
    hour,
    tool
HAVING calls > 0
ORDER BY
    hour,
    calls DESC,
    tool
LIMIT {limit:UInt32}
