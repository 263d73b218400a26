/*
question = "How often does each kind of subagent succeed?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[columns]
type = "the kind of subagent; unknown where the client does not send the details of tools"
calls = "calls of the tools Agent and Task that ran to a result"
ok = "calls that succeeded"
failed = "calls that failed"
success_rate = "ok / calls, 0 to 1"
rejected = "calls that were refused; these have no result"
avg_ms = "mean duration of a call in milliseconds; a subagent in the background returns at once"
rating = "good from a success rate of 0.9, fair from 0.7, else poor; null without calls"
*/
SELECT
    arrayFirst(
        x -> x != '',
        [
            JSONExtractString(LogAttributes['tool_parameters'], 'subagent_type'),
            JSONExtractString(LogAttributes['tool_input'], 'subagent_type'),
            'unknown'
        ]) AS type,
    countIf(AgentEvent = 'tool_result') AS calls,
    countIf(AgentEvent = 'tool_result' AND ifNull(Success, false)) AS ok,
    countIf(AgentEvent = 'tool_result' AND NOT ifNull(Success, false)) AS failed,
    ok / nullIf(calls, 0) AS success_rate,
    countIf(AgentEvent = 'tool_decision') AS rejected,
    round(sumIf(DurationMs, AgentEvent = 'tool_result') / nullIf(calls, 0), 3) AS avg_ms,
    multiIf(success_rate IS NULL, NULL, success_rate >= 0.9, 'good', success_rate >= 0.7, 'fair', 'poor') AS rating
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent IN ('tool_result', 'tool_decision')
    AND ToolName IN ('Agent', 'Task')
    AND (AgentEvent = 'tool_result' OR LogAttributes['decision'] = 'reject')
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
ORDER BY
    calls DESC,
    rejected DESC,
    type
LIMIT {limit:UInt32}
