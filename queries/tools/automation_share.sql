/*
question = "What share of all operations are shell commands?"
filters = ["user", "team", "project", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.by]
type = "enum"
values = ["none", "user", "team", "project"]
default = "none"
help = "all together, or each user, team or project"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "the range as a whole, or each hour or day (UTC)"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
name = "the user, team or project; only when by is not none"
bash_calls = "calls of Bash that ran to a result"
calls = "calls of all tools that ran to a result"
share = "bash_calls / calls, 0 to 1"
*/
SELECT
-- @when bucket = hour
    Hour AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(Hour) AS bucket,
-- @end
-- @when by = user
    UserId AS name,
-- @end
-- @when by = team
    TeamId AS name,
-- @end
-- @when by = project
    Project AS name,
-- @end
    sumIf(Calls, ToolName = 'Bash') AS bash_calls,
    sum(Calls) AS calls,
    bash_calls / nullIf(calls, 0) AS share
FROM tool_usage_hourly
WHERE TenantId = {tenant:String}
    AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
    AND Hour < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
GROUP BY ALL
HAVING calls > 0
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    calls DESC
-- @when by = user, team, project
    , name
-- @end
LIMIT {limit:UInt32}
