/*
question = "Which sessions get most out of a dollar and a second?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["sessions"]
limit = { default = 100, max = 10000 }
cache = "60s"

[columns]
rank = "place by score; equal scores share a place"
session = "the session's id"
user = "who ran it"
project = "what was worked on"
start = "time of the first event"
requests = "API requests that were answered"
output_tokens = "tokens generated"
cost = "USD, as the client reported it"
avg_ms = "mean duration of a request in milliseconds"
score = "output_tokens / cost / avg_ms * 100; null without cost or duration"
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
    rank() OVER (ORDER BY score DESC NULLS LAST) AS rank,
    session,
    user,
    project,
    start,
    requests,
    output_tokens,
    cost,
    round(mean, 3) AS avg_ms,
    output_tokens / nullIf(cost, 0) / nullIf(mean, 0) * 100 AS score
FROM
(
    SELECT
        SessionId AS session,
        toString(max(UserId)) AS user,
        toString(max(Project)) AS project,
        toDateTime64(min(Start), 3, 'UTC') AS start,
        sum(Requests) AS requests,
        sum(OutputTokens) AS output_tokens,
        toFloat64(sum(Cost)) AS cost,
        sum(RequestMs) / requests AS mean
    FROM sessions
    WHERE TenantId = {tenant:String}
        AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
        AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
        AND SessionId IN (in_range)
    GROUP BY SessionId
    HAVING requests > 0
        AND (empty({user:Array(String)}) OR max(UserId) IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR max(TeamId) IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR max(Project) IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR hasAny(groupUniqArrayArray(Models), {model:Array(String)}))
        AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
)
ORDER BY
    rank,
    session
LIMIT {limit:UInt32}
