/*
question = "How did a session flow from prompts through requests and tools to subagents?"
filters = []
tables = ["otel_logs", "otel_traces", "sessions"]
limit = { default = 10000, max = 100000 }
cache = "10s"

# The session is shown whole, whatever the range. What a subagent was called by is told from spans; without them it hangs on
# the prompt. A tool hangs on the prompt where the client does not name the request that asked for it.
[params.session]
type = "session"
help = "the session's id"

[columns]
part = "node or edge"
id = "the node's id; an edge's is made of its ends"
type = "prompt, request, tool or subagent"
label = "the node's name: a prompt's length, a model, a tool, a kind of subagent"
source = "an edge's beginning; empty for a node"
target = "an edge's end; empty for a node"
time = "when it happened; an edge has the time of its end"
duration_ms = "how long it took in milliseconds; null for prompts"
cost = "USD, as the client reported it; null but for requests"
success = "whether it succeeded; false for a tool that was refused; null for prompts, requests and subagents"
*/
WITH
    (
        SELECT (min(Start), max(End))
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND SessionId = {session:String}
    ) AS bounds,
    spans AS
    (
        SELECT
            SpanName,
            SpanId,
            ParentSpanId,
            SpanAttributes['agent_id'] AS agent,
            SpanAttributes['tool_use_id'] AS tool_use,
            ToolName AS tool
        FROM otel_traces
        WHERE TenantId = {tenant:String}
            AND SpanName IN ('claude_code.llm_request', 'claude_code.tool', 'claude_code.tool.execution')
            AND Timestamp >= bounds.1 - toIntervalDay(1)
            AND toStartOfHour(Timestamp) > bounds.1 - toIntervalDay(1) - toIntervalHour(1)
            AND Timestamp <= bounds.2 + toIntervalDay(1)
            AND toStartOfHour(Timestamp) <= bounds.2 + toIntervalDay(1)
            AND SessionId = {session:String}
    ),
    -- The call of the tool Agent under which a subagent's spans lie, with or without the tool's execution in between.
    callers AS
    (
        SELECT
            agent,
            any(calls.tool_use) AS tool_use
        FROM spans AS own
        LEFT JOIN (SELECT SpanId, ParentSpanId FROM spans WHERE SpanName = 'claude_code.tool.execution') AS executions
            ON executions.SpanId = own.ParentSpanId
        INNER JOIN (SELECT SpanId, tool_use FROM spans WHERE tool IN ('Agent', 'Task') AND tool_use != '') AS calls
            ON calls.SpanId = if(executions.ParentSpanId != '', executions.ParentSpanId, own.ParentSpanId)
        WHERE own.agent != ''
        GROUP BY agent
    ),
    events AS
    (
        SELECT
            Timestamp,
            Sequence,
            AgentEvent,
            ToolName,
            Model,
            DurationMs,
            Cost,
            Success,
            PromptId,
            LogAttributes['agent_id'] AS agent,
            LogAttributes['request_id'] AS request,
            LogAttributes['tool_use_id'] AS tool_use,
            LogAttributes['prompt_length'] AS length,
            startsWith(LogAttributes['prompt'], '<task-notification>') AS is_report,
            LogAttributes['agent_type'] AS agent_type,
            toString(EventId) AS event_id
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent IN ('user_prompt', 'api_request', 'tool_result', 'tool_decision', 'subagent_completed')
            AND Timestamp >= bounds.1
            AND toStartOfHour(Timestamp) > bounds.1 - toIntervalHour(1)
            AND Timestamp <= bounds.2
            AND toStartOfHour(Timestamp) <= bounds.2
            AND SessionId = {session:String}
            AND (AgentEvent != 'tool_decision' OR LogAttributes['decision'] = 'reject')
    ),
    nodes AS
    (
        SELECT
            Timestamp,
            Sequence,
            multiIf(
                AgentEvent = 'user_prompt', 'prompt', AgentEvent = 'api_request', 'request',
                AgentEvent = 'subagent_completed', 'subagent', 'tool') AS type,
            multiIf(
                type = 'prompt', if(PromptId = '', event_id, PromptId),
                type = 'request', if(request = '', event_id, request),
                type = 'subagent', if(agent = '', event_id, agent),
                if(tool_use = '', event_id, tool_use)) AS id,
            multiIf(
                type = 'prompt' AND is_report, 'report of a background agent',
                type = 'prompt', if(length = '', 'prompt', concat('prompt of ', length, ' characters')),
                type = 'request', Model,
                type = 'subagent', agent_type,
                ToolName) AS label,
            multiIf(
                type = 'prompt', '',
                type = 'subagent', if(callers.tool_use != '', callers.tool_use, PromptId),
                type = 'request', if(agent != '' AND agent IN (SELECT agent FROM events WHERE AgentEvent = 'subagent_completed'), agent, PromptId),
                request != '' AND request IN (SELECT request FROM events WHERE AgentEvent = 'api_request'), request,
                PromptId) AS parent,
            if(type = 'prompt', NULL, DurationMs) AS duration_ms,
            if(type = 'request', toFloat64(Cost), NULL) AS cost,
            if(type = 'tool', AgentEvent = 'tool_result' AND ifNull(Success, false), NULL) AS success
        FROM events
        LEFT JOIN callers ON callers.agent = events.agent AND events.AgentEvent = 'subagent_completed'
    )
SELECT
    part,
    if(part = 'node', nodes.id, concat(parent, ' → ', nodes.id)) AS id,
    type,
    label,
    if(part = 'node', '', parent) AS source,
    if(part = 'node', '', nodes.id) AS target,
    toDateTime64(Timestamp, 3, 'UTC') AS time,
    duration_ms,
    cost,
    success
FROM nodes
ARRAY JOIN if(parent = '', ['node'], ['node', 'edge']) AS part
ORDER BY
    Timestamp,
    Sequence,
    id,
    part DESC
LIMIT {limit:UInt32}
