/*
question = "Which programs does the shell run, how often do they fail, and how long do they take?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "60s"

# A call that runs several programs counts once for each of them, with its outcome and whole duration: the client reports no finer.
[columns]
program = "the program, without its directory"
calls = "calls of Bash that run it"
total_calls = "calls of Bash whose command the client sent"
share = "calls / total_calls, 0 to 1"
alone = "calls that run nothing else"
failed = "calls that failed"
failure_rate = "failed / calls, 0 to 1"
avg_ms = "mean duration of those calls in milliseconds"
max_ms = "longest duration in milliseconds"
elevated = "calls that run it by sudo or doas"
sessions = "sessions in which it ran"
users = "users for whom it ran"
example = "the latest command line, at most 200 characters"
*/
SELECT
    program,
    sum(by_line.calls) AS calls,
    any(by_line.total_calls) AS total_calls,
    calls / total_calls AS share,
    sumIf(by_line.calls, length(programs) = 1) AS alone,
    sum(by_line.failed) AS failed,
    failed / calls AS failure_rate,
    round(sum(by_line.total_ms) / calls, 3) AS avg_ms,
    max(by_line.max_ms) AS max_ms,
    sumIf(by_line.calls, has(elevated_programs, program)) AS elevated,
    uniqExactMerge(by_line.sessions) AS sessions,
    uniqExactMerge(by_line.users) AS users,
    argMax(substringUTF8(line, 1, 200), (by_line.last_call, line)) AS example
FROM
(
    SELECT
        line,
        calls,
        sum(calls) OVER () AS total_calls,
        failed,
        total_ms,
        max_ms,
        sessions,
        users,
        last_call,
        arrayDistinct(arrayMap(command -> command.3, commands)) AS programs,
        arrayMap(command -> command.3, arrayFilter(command -> match(command.2, '(?:^|[\x1f/])(?:sudo|doas)\x1f'), commands)) AS elevated_programs
    FROM
    (
        SELECT
            ToolCall.line AS line,
            any(Commands) AS commands,
            count() AS calls,
            countIf(NOT ifNull(Success, false)) AS failed,
            sum(DurationMs) AS total_ms,
            max(DurationMs) AS max_ms,
            uniqExactStateIf(SessionId, SessionId != '') AS sessions,
            uniqExactStateIf(UserId, UserId != '') AS users,
            max(Timestamp) AS last_call
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent = 'tool_result'
            AND ToolName = 'Bash'
            AND ToolCall.line != ''
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
        GROUP BY line
    )
) AS by_line
ARRAY JOIN programs AS program
GROUP BY program
ORDER BY
    calls DESC,
    program
LIMIT {limit:UInt32}
