/*
question = "Which files were changed, by whom and how?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "30s"

# Only where the client sends the details of tools. Of commands, only those that are known to change files are seen.
[columns]
path = "the file"
user = "who changed it"
project = "what was worked on"
change = "edit, write, delete, move or change rights; write may make a file or replace one"
changes = "changes by calls that succeeded"
failed = "tries that failed"
refused = "tries that were refused"
sessions = "sessions in which it was changed or tried to"
first_change = "time of the first one"
last_change = "time of the last one"
last_session = "the session of the last one"
by_programs = "the tools and programs that did it"
*/
WITH
    -- A call of a file tool is told of by its result alone, since its decision does not name the file; a command also by its
    -- decision.
    touches AS
    (
        SELECT
            Timestamp,
            SessionId,
            UserId,
            TeamId,
            Project,
            ToolName,
            AgentEvent,
            Success,
            ToolCall.verdict = 'reject' AS rejected,
            ToolCall.call AS call,
            Touched AS touched
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent IN ('tool_decision', 'tool_result')
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
            AND notEmpty(Touched)
            AND (AgentEvent = 'tool_result' OR ToolName = 'Bash' OR startsWith(ToolName, 'mcp'))
            AND (AgentEvent = 'tool_result' OR ToolCall.verdict = 'reject' OR ToolCall.call != toString(EventId))
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    )
SELECT
    path,
    user,
    project,
    change,
    countIf(outcome = 'ok') AS changes,
    countIf(outcome = 'failed') AS failed,
    countIf(outcome = 'refused') AS refused,
    uniqExactIf(session, session != '') AS sessions,
    min(time) AS first_change,
    max(time) AS last_change,
    argMax(session, (time, session)) AS last_session,
    arraySort(groupUniqArray(program)) AS by_programs
FROM
(
    SELECT
        toDateTime64(min(Timestamp), 3, 'UTC') AS time,
        SessionId AS session,
        max(UserId) AS user,
        max(Project) AS project,
        touch.1 AS change,
        touch.2 AS path,
        touch.3 AS program,
        multiIf(
            countIf(rejected) > 0, 'refused',
            countIf(AgentEvent = 'tool_result') = 0, 'no result',
            countIf(ifNull(Success, false)) > 0, 'ok',
            'failed') AS outcome
    FROM touches
    ARRAY JOIN touched AS touch
    WHERE touch.1 IN ('edit', 'write', 'delete', 'move', 'change rights')
    GROUP BY
        SessionId,
        call,
        touch
)
GROUP BY
    path,
    user,
    project,
    change
ORDER BY
    last_change DESC,
    path,
    user,
    project,
    change
LIMIT {limit:UInt32}
