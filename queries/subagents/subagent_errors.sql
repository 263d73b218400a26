/*
question = "Which subagents failed, and with what error?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[columns]
time = "when the call of Agent or Task failed"
session = "the session's id"
user = "who ran it"
type = "the kind of subagent; unknown where the client does not send the details of tools"
description = "what it was to do, in the agent's words; empty without the details of tools"
error = "the error's text, or its type where the client sent no text"
duration_ms = "time until the failure in milliseconds"
caller = "the id of the subagent that called it; empty where the session itself did"
tool_use = "the id of the call"
*/
SELECT
    toDateTime64(Timestamp, 3, 'UTC') AS time,
    SessionId AS session,
    UserId AS user,
    arrayFirst(
        x -> x != '',
        [
            JSONExtractString(LogAttributes['tool_parameters'], 'subagent_type'),
            JSONExtractString(LogAttributes['tool_input'], 'subagent_type'),
            'unknown'
        ]) AS type,
    JSONExtractString(LogAttributes['tool_input'], 'description') AS description,
    substringUTF8(if(LogAttributes['error'] = '', LogAttributes['error_type'], LogAttributes['error']), 1, 1000) AS error,
    DurationMs AS duration_ms,
    LogAttributes['agent_id'] AS caller,
    LogAttributes['tool_use_id'] AS tool_use
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent = 'tool_result'
    AND ToolName IN ('Agent', 'Task')
    AND NOT ifNull(Success, false)
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
ORDER BY
    Timestamp DESC,
    SessionId,
    Sequence
LIMIT {limit:UInt32}
