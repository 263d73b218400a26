/*
question = "Which sessions last unusually long?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["sessions"]
limit = { default = 100, max = 10000 }
cache = "60s"

[params.hours]
type = "float"
default = 2.0
min = 0.0
max = 8760.0
help = "sessions that last longer are listed"

[columns]
session = "the session's id"
user = "who ran it"
project = "what was worked on"
start = "time of the first event"
end = "time of the last event"
duration_s = "seconds from the first event to the last"
days = "days (UTC) with an event"
prompts = "prompts; a background agent's report, which comes as one, is left out where the client sends its text"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
cost_per_hour = "cost / duration_s * 3600"
tools = "tool calls that ran to a result"
tool_errors = "tool calls that failed"
*/
WITH
    in_range AS
    (
        SELECT SessionId
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND Day >= toDate({from:DateTime64(9, 'UTC')})
            AND Day <= toDate({to:DateTime64(9, 'UTC')})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        GROUP BY SessionId
        HAVING max(End) >= {from:DateTime64(9, 'UTC')}
            AND min(Start) < {to:DateTime64(9, 'UTC')}
    )
SELECT
    SessionId AS session,
    toString(max(UserId)) AS user,
    toString(max(Project)) AS project,
    toDateTime64(min(Start), 3, 'UTC') AS start,
    toDateTime64(max(End), 3, 'UTC') AS end,
    dateDiff('millisecond', min(Start), max(End)) / 1000 AS duration_s,
    uniqExact(Day) AS days,
    sum(Prompts) AS prompts,
    sum(Requests) AS requests,
    toFloat64(sum(Cost)) AS cost,
    cost / nullIf(duration_s, 0) * 3600 AS cost_per_hour,
    sum(Tools) AS tools,
    sum(ToolErrors) AS tool_errors
FROM sessions
WHERE TenantId = {tenant:String}
    AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
    AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
    AND SessionId IN (in_range)
GROUP BY SessionId
HAVING duration_s > {hours:Float64} * 3600
    AND (empty({user:Array(String)}) OR max(UserId) IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR max(TeamId) IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR max(Project) IN {project:Array(String)})
    AND (empty({model:Array(String)}) OR hasAny(groupUniqArrayArray(Models), {model:Array(String)}))
    AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
ORDER BY
    duration_s DESC,
    session
LIMIT {limit:UInt32}
