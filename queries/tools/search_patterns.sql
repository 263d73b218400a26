/*
question = "What do Grep and Glob search for?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "60s"

# Only where the client sends the details of tools.
[columns]
tool = "Grep or Glob"
pattern = "the regular expression or file pattern, at most 500 characters"
count = "searches that ran to a result"
total_searches = "searches of both tools"
share = "count / total_searches, 0 to 1"
failed = "searches that failed"
avg_ms = "mean duration in milliseconds"
paths = "different folders searched; a search without one is the working folder"
sessions = "sessions in which it was searched for"
users = "users for whom it was searched for"
last_seen = "time of the last search"
*/
SELECT
    tool,
    pattern,
    count,
    sum(count) OVER () AS total_searches,
    count / total_searches AS share,
    failed,
    avg_ms,
    paths,
    sessions,
    users,
    last_seen
FROM
(
    SELECT
        ToolName AS tool,
        substringUTF8(JSONExtractString(LogAttributes['tool_input'], 'pattern'), 1, 500) AS pattern,
        count() AS count,
        countIf(NOT ifNull(Success, false)) AS failed,
        round(avg(DurationMs), 3) AS avg_ms,
        uniqExact(JSONExtractString(LogAttributes['tool_input'], 'path')) AS paths,
        uniqExactIf(SessionId, SessionId != '') AS sessions,
        uniqExactIf(UserId, UserId != '') AS users,
        toDateTime64(max(Timestamp), 3, 'UTC') AS last_seen
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent = 'tool_result'
        AND ToolName IN ('Grep', 'Glob')
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
        tool,
        pattern
    HAVING pattern != ''
)
ORDER BY
    count DESC,
    tool,
    pattern
LIMIT {limit:UInt32}
