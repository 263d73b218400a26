/*
question = "At which hours of the day does each tool fail?"
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
failed = "calls that failed"
calls = "calls that ran to a result"
failure_rate = "failed / calls, 0 to 1"
*/
SELECT
    toHour(toTimeZone(Hour, {timezone:String})) AS hour,
    ToolName AS tool,
    sum(Failed) AS failed,
    sum(Calls) AS calls,
    failed / nullIf(calls, 0) AS failure_rate
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
HAVING failed > 0
ORDER BY
    hour,
    failed DESC,
    tool
LIMIT {limit:UInt32}
