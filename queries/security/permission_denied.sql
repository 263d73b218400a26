/*
question = "What was refused or denied?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[columns]
time = "when it happened; the latest comes first"
session = "the session's id"
user = "who ran it"
project = "what was worked on"
kind = "refused: a tool that was not allowed; denied: a call that failed for want of rights; unauthorized: an API request that did; log-in: one that failed"
tool = "the tool, where one is concerned"
by = "who refused: config, hook, user_permanent, user_temporary, user_abort or user_reject; empty for the other kinds"
target = "the command, file or address it was about, at most 300 characters; empty where the client keeps it back"
error = "the error's text or type, at most 500 characters; empty for a refusal"
call = "the id of the tool's call"
*/
SELECT
    toDateTime64(Timestamp, 3, 'UTC') AS time,
    SessionId AS session,
    UserId AS user,
    Project AS project,
    transform(toString(AgentEvent), ['tool_decision', 'tool_result', 'api_error'], ['refused', 'denied', 'unauthorized'], 'log-in') AS kind,
    ToolName AS tool,
    if(AgentEvent = 'tool_decision', LogAttributes['source'], '') AS by,
    substringUTF8(
        arrayFirst(
            x -> x != '',
            [
                JSONExtractString(LogAttributes['tool_parameters'], 'full_command'),
                JSONExtractString(LogAttributes['tool_input'], 'command'),
                JSONExtractString(LogAttributes['tool_input'], 'file_path'),
                JSONExtractString(LogAttributes['tool_input'], 'notebook_path'),
                JSONExtractString(LogAttributes['tool_input'], 'path'),
                JSONExtractString(LogAttributes['tool_input'], 'url'),
                JSONExtractString(LogAttributes['tool_input'], 'query'),
                JSONExtractString(LogAttributes['tool_parameters'], 'subagent_type'),
                JSONExtractString(LogAttributes['tool_parameters'], 'skill_name'),
                JSONExtractString(LogAttributes['tool_parameters'], 'mcp_tool_name')
            ]),
        1, 300) AS target,
    substringUTF8(
        arrayFirst(
            x -> x != '',
            [
                LogAttributes['error'], LogAttributes['error_type'], LogAttributes['error_category'], LogAttributes['status_code']
            ]),
        1, 500) AS error,
    LogAttributes['tool_use_id'] AS call
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent IN ('tool_decision', 'tool_result', 'api_error', 'auth')
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND multiIf(
        AgentEvent = 'tool_decision', ToolCall.verdict = 'reject',
        AgentEvent = 'api_error', LogAttributes['status_code'] IN ('401', '403'),
        AgentEvent = 'auth', ifNull(Success = false, false),
        ToolCall.verdict = 'denied')
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
    AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
ORDER BY
    time DESC,
    session,
    Sequence DESC,
    EventId
LIMIT {limit:UInt32}
