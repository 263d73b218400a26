/*
question = "Which sessions are active now, and what are they doing?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["sessions"]
limit = { default = 100, max = 10000 }
cache = "2s"

# Now is the end of the range; its start does not matter.
[params.within_minutes]
type = "uint"
default = 15
min = 1
max = 1440
help = "a session counts as active for this long after its last event"

[prometheus]
values = ["idle_s", "duration_s", "events", "requests", "cost", "tools", "tool_errors", "api_errors"]
labels = ["session", "user", "team", "project"]

[columns]
session = "the session's id"
user = "who runs it"
team = "the user's team"
project = "what is worked on"
terminal = "the terminal or editor"
version = "the client's version"
start = "time of the first event"
last_event = "time of the last event"
idle_s = "seconds since the last event"
duration_s = "seconds from the first event to the last"
events = "log events"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
tools = "tool calls that ran to a result"
tool_errors = "tool calls that failed"
api_errors = "API requests that failed for good"
models = "models that answered"
active = "how many sessions are active in all, those beyond the limit included"
*/
WITH
    {to:DateTime64(9, 'UTC')} - toIntervalMinute({within_minutes:UInt64}) AS since,
    now_active AS
    (
        SELECT SessionId
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND Day >= toDate(since)
            AND Day <= toDate({to:DateTime64(9, 'UTC')})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        GROUP BY SessionId
        HAVING max(End) >= since
            AND min(Start) < {to:DateTime64(9, 'UTC')}
    )
SELECT
    SessionId AS session,
    toString(max(UserId)) AS user,
    toString(max(TeamId)) AS team,
    toString(max(Project)) AS project,
    toString(max(Terminal)) AS terminal,
    toString(max(Version)) AS version,
    toDateTime64(min(Start), 3, 'UTC') AS start,
    toDateTime64(max(End), 3, 'UTC') AS last_event,
    greatest(dateDiff('millisecond', max(End), {to:DateTime64(9, 'UTC')}), 0) / 1000 AS idle_s,
    dateDiff('millisecond', min(Start), max(End)) / 1000 AS duration_s,
    sum(Events) AS events,
    sum(Requests) AS requests,
    toFloat64(sum(Cost)) AS cost,
    sum(Tools) AS tools,
    sum(ToolErrors) AS tool_errors,
    sum(ApiErrors) AS api_errors,
    arraySort(groupUniqArrayArray(Models)) AS models,
    count() OVER () AS active
FROM sessions
WHERE TenantId = {tenant:String}
    AND SessionId IN (now_active)
GROUP BY SessionId
HAVING (empty({user:Array(String)}) OR user IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR team IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR project IN {project:Array(String)})
    AND (empty({model:Array(String)}) OR hasAny(models, {model:Array(String)}))
    AND (empty({terminal:Array(String)}) OR terminal IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR version IN {version:Array(String)})
ORDER BY
    last_event DESC,
    session
LIMIT {limit:UInt32}
