/*
question = "Which versions of the client are in use, and how do they do?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["sessions"]
limit = { default = 100, max = 10000 }
cache = "60s"

[columns]
version = "the client's version; empty where it did not say; a session that changed it counts for the last in the alphabet"
sessions = "sessions under way in the range"
total_sessions = "sessions of all versions"
share = "sessions / total_sessions, 0 to 1"
users = "users who ran them"
first_seen = "time of the first event of these sessions"
last_seen = "time of their last event"
requests = "API requests that were answered"
api_errors = "API requests that failed for good"
api_error_rate = "api_errors / (requests + api_errors), 0 to 1"
tools = "tool calls that ran to a result"
tool_errors = "tool calls that failed"
tool_error_rate = "tool_errors / tools, 0 to 1"
cost = "USD, as the client reported it"
*/
WITH
    in_range AS
    (
        SELECT SessionId
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND Day >= toDate({from:DateTime64(9, 'UTC')})
            AND Day <= toDate({to:DateTime64(9, 'UTC')})
        GROUP BY SessionId
        HAVING max(End) >= {from:DateTime64(9, 'UTC')}
            AND min(Start) < {to:DateTime64(9, 'UTC')}
    )
SELECT
    version,
    count() AS sessions,
    sum(sessions) OVER () AS total_sessions,
    sessions / total_sessions AS share,
    uniqExactIf(user, user != '') AS users,
    toDateTime64(min(began), 3, 'UTC') AS first_seen,
    toDateTime64(max(ended), 3, 'UTC') AS last_seen,
    sum(answered) AS requests,
    sum(unanswered) AS api_errors,
    api_errors / nullIf(requests + api_errors, 0) AS api_error_rate,
    sum(called) AS tools,
    sum(failed) AS tool_errors,
    tool_errors / nullIf(tools, 0) AS tool_error_rate,
    toFloat64(sum(spent)) AS cost
FROM
(
    SELECT
        SessionId,
        toString(max(Version)) AS version,
        toString(max(UserId)) AS user,
        min(Start) AS began,
        max(End) AS ended,
        sum(Requests) AS answered,
        sum(ApiErrors) AS unanswered,
        sum(Tools) AS called,
        sum(ToolErrors) AS failed,
        sum(Cost) AS spent
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
GROUP BY version
ORDER BY
    sessions DESC,
    version DESC
LIMIT {limit:UInt32}
