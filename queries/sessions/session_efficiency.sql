/*
question = "How many operations does each session get done?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["sessions"]
limit = { default = 1000, max = 10000 }
cache = "10s"

[columns]
session = "the session's id"
user = "who ran it"
project = "what was worked on"
start = "time of the first event"
duration_s = "seconds from the first event to the last"
operations = "tool calls that ran to a result"
failed = "operations that failed"
success_rate = "(operations - failed) / operations, 0 to 1"
prompts = "prompts; a background agent's report, which comes as one, is left out where the client sends its text"
operations_per_prompt = "operations / prompts"
operations_per_minute = "operations / duration_s * 60"
cost = "USD, as the client reported it"
cost_per_operation = "cost / operations"
rating = "excellent over 50 operations, high from 25, good from 10, else low"
avg_operations = "mean operations of all sessions that pass the filters"
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
    session,
    user,
    project,
    start,
    duration_s,
    operations,
    failed,
    (operations - failed) / nullIf(operations, 0) AS success_rate,
    prompts,
    operations / nullIf(prompts, 0) AS operations_per_prompt,
    operations / nullIf(duration_s, 0) * 60 AS operations_per_minute,
    cost,
    cost / nullIf(operations, 0) AS cost_per_operation,
    multiIf(operations > 50, 'excellent', operations >= 25, 'high', operations >= 10, 'good', 'low') AS rating,
    avg(operations) OVER () AS avg_operations
FROM
(
    SELECT
        SessionId AS session,
        toString(max(UserId)) AS user,
        toString(max(Project)) AS project,
        toDateTime64(min(Start), 3, 'UTC') AS start,
        dateDiff('millisecond', min(Start), max(End)) / 1000 AS duration_s,
        sum(Tools) AS operations,
        sum(ToolErrors) AS failed,
        sum(Prompts) AS prompts,
        toFloat64(sum(Cost)) AS cost
    FROM sessions
    WHERE TenantId = {tenant:String}
        AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
        AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
        AND SessionId IN (in_range)
    GROUP BY SessionId
    HAVING (empty({user:Array(String)}) OR max(UserId) IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR max(TeamId) IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR max(Project) IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR hasAny(groupUniqArrayArray(Models), {model:Array(String)}))
        AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
)
ORDER BY
    operations DESC,
    session
LIMIT {limit:UInt32}
