/*
question = "Which kinds of subagents are used, and how much do they do?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

# Calls are those of the tools Agent and Task. A subagent in the background completes long after its call has returned.
[columns]
type = "the kind of subagent; unknown where the client does not send the details of tools"
calls = "calls that ran to a result"
total_calls = "calls of all kinds"
share = "calls / total_calls, 0 to 1"
completed = "subagents that reported their completion"
tool_uses = "calls of tools by those that completed"
avg_tool_uses = "tool_uses / completed"
avg_ms = "mean duration of those that completed, in milliseconds"
models = "models that those that completed ended with"
sessions = "sessions in which the kind was used"
users = "users who used it"
*/
SELECT
    type,
    calls,
    sum(calls) OVER () AS total_calls,
    calls / nullIf(total_calls, 0) AS share,
    completed,
    tool_uses,
    tool_uses / nullIf(completed, 0) AS avg_tool_uses,
    round(total_ms / nullIf(completed, 0), 3) AS avg_ms,
    models,
    sessions,
    users
FROM
(
    SELECT
        arrayFirst(
            x -> x != '',
            [
                LogAttributes['agent_type'],
                JSONExtractString(LogAttributes['tool_parameters'], 'subagent_type'),
                JSONExtractString(LogAttributes['tool_input'], 'subagent_type'),
                'unknown'
            ]) AS type,
        countIf(AgentEvent = 'tool_result') AS calls,
        countIf(AgentEvent = 'subagent_completed') AS completed,
        sumIf(toUInt64OrZero(LogAttributes['total_tool_uses']), AgentEvent = 'subagent_completed') AS tool_uses,
        sumIf(DurationMs, AgentEvent = 'subagent_completed') AS total_ms,
        arraySort(groupUniqArrayIf(
            if(LogAttributes['final_model'] = '', toString(Model), LogAttributes['final_model']),
            AgentEvent = 'subagent_completed')) AS models,
        uniqExactIf(SessionId, SessionId != '') AS sessions,
        uniqExactIf(UserId, UserId != '') AS users
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent IN ('tool_result', 'subagent_completed')
        AND (AgentEvent = 'subagent_completed' OR ToolName IN ('Agent', 'Task'))
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
    GROUP BY type
)
ORDER BY
    calls DESC,
    completed DESC,
    type
LIMIT {limit:UInt32}
