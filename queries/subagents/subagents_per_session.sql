/*
question = "How many subagents does each session use?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[columns]
session = "the session's id"
user = "who ran it"
project = "what was worked on"
subagents = "calls of the tools Agent and Task in the range that ran to a result"
failed = "calls that failed"
rejected = "calls that were refused; these have no result"
types = "calls by kind of subagent"
completed = "subagents that reported their completion"
tool_uses = "calls of tools by those that completed"
avg_ms = "mean duration of those that completed, in milliseconds"
first_call = "time of the first call"
last_call = "time of the last call or completion"
*/
SELECT
    SessionId AS session,
    max(UserId) AS user,
    max(Project) AS project,
    countIf(AgentEvent = 'tool_result') AS subagents,
    countIf(AgentEvent = 'tool_result' AND NOT ifNull(Success, false)) AS failed,
    countIf(AgentEvent = 'tool_decision') AS rejected,
    mapSort(sumMapIf(
        map(
            arrayFirst(
                x -> x != '',
                [
                    JSONExtractString(LogAttributes['tool_parameters'], 'subagent_type'),
                    JSONExtractString(LogAttributes['tool_input'], 'subagent_type'),
                    'unknown'
                ]),
            toUInt64(1)),
        AgentEvent = 'tool_result')) AS types,
    countIf(AgentEvent = 'subagent_completed') AS completed,
    sumIf(toUInt64OrZero(LogAttributes['total_tool_uses']), AgentEvent = 'subagent_completed') AS tool_uses,
    round(sumIf(DurationMs, AgentEvent = 'subagent_completed') / nullIf(completed, 0), 3) AS avg_ms,
    toDateTime64(min(Timestamp), 3, 'UTC') AS first_call,
    toDateTime64(max(Timestamp), 3, 'UTC') AS last_call
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent IN ('tool_result', 'tool_decision', 'subagent_completed')
    AND (AgentEvent = 'subagent_completed' OR ToolName IN ('Agent', 'Task'))
    AND (AgentEvent != 'tool_decision' OR LogAttributes['decision'] = 'reject')
    AND SessionId != ''
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
GROUP BY SessionId
ORDER BY
    subagents DESC,
    rejected DESC,
    session
LIMIT {limit:UInt32}
