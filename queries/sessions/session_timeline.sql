/*
question = "What happened in a session, event by event?"
filters = ["tool", "model"]
tables = ["otel_logs", "sessions"]
limit = { default = 10000, max = 100000 }
cache = "5s"
default_from = "-3650d"

[params.session]
type = "session"
help = "the session's id"

[params.events]
type = "strings"
default = []
help = "only events of these names, such as user_prompt; empty means all"

[cursor]
time = "DateTime64(9, 'UTC')"
sequence = "UInt64"
event_id = "UInt128"

[columns]
time = "when it happened"
event = "the agent's name of the event"
sequence = "the number the client's process gave it; starts again when a session is resumed"
prompt = "the id of the prompt it belongs to"
tool = "the tool, where one is concerned"
model = "the model, where one is concerned"
success = "whether it succeeded; null where the event does not say"
duration_ms = "how long it took in milliseconds; null where the event does not say"
cost = "USD, as the client reported it; null but for API requests"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
cache_read_tokens = "tokens read from the cache"
cache_creation_tokens = "tokens written to the cache"
summary = "the event in one line"
attributes = "every attribute of the event"
event_id = "the event's own id, by which it can be found again"
*/
WITH
    (
        SELECT (min(Start), max(End))
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND SessionId = {session:String}
    ) AS bounds,
    concat(toString(DurationMs), ' ms') AS took,
    -- Each tool's argument that says most.
    arrayFirst(
        x -> x != '',
        [
            JSONExtractString(LogAttributes['tool_parameters'], 'full_command'),
            JSONExtractString(LogAttributes['tool_input'], 'command'),
            JSONExtractString(LogAttributes['tool_input'], 'file_path'),
            JSONExtractString(LogAttributes['tool_input'], 'notebook_path'),
            JSONExtractString(LogAttributes['tool_input'], 'pattern'),
            JSONExtractString(LogAttributes['tool_input'], 'url'),
            JSONExtractString(LogAttributes['tool_input'], 'query'),
            JSONExtractString(LogAttributes['tool_input'], 'description'),
            JSONExtractString(LogAttributes['tool_parameters'], 'subagent_type'),
            JSONExtractString(LogAttributes['tool_parameters'], 'skill_name'),
            JSONExtractString(LogAttributes['tool_parameters'], 'mcp_tool_name')
        ]) AS argument,
    if(argument = '', '', concat(': ', argument)) AS and_argument,
    arrayFirst(
        x -> x != '',
        [
            LogAttributes['error'], LogAttributes['error_type'],
            LogAttributes['error_code'], LogAttributes['error_category']
        ]) AS error,
    if(error = '', '', concat(': ', error)) AS and_error,
    if(AgentEvent = 'user_prompt', LogAttributes['prompt'], LogAttributes['response']) AS words,
    if(AgentEvent = 'user_prompt', LogAttributes['prompt_length'], LogAttributes['response_length']) AS characters,
    if(characters = '', '', concat(' of ', characters, ' characters')) AS of_length,
    if(words IN ('', '<REDACTED>'), '', concat(': ', words)) AS and_words,
    multiIf(
        AgentEvent = 'user_prompt' AND startsWith(words, '<task-notification>'),
            concat('report of a background agent: ', extract(words, '(?s)<summary>(.*?)</summary>')),
        AgentEvent = 'user_prompt',
            concat('prompt', of_length, and_words),
        AgentEvent = 'assistant_response',
            concat('response', of_length, and_words),
        AgentEvent = 'api_request',
            concat(
                Model, ' answered in ', took, ': ',
                toString(InputTokens + CacheReadTokens + CacheCreationTokens), ' tokens in with cache, ',
                toString(OutputTokens), ' out, $', toDecimalString(Cost, 4)),
        AgentEvent = 'api_error',
            concat(
                Model, ' failed',
                if(LogAttributes['status_code'] = '', '', concat(' with ', LogAttributes['status_code'])),
                if(LogAttributes['attempt'] = '', '', concat(' on attempt ', LogAttributes['attempt'])),
                and_error),
        AgentEvent = 'tool_decision',
            concat(
                ToolName, if(LogAttributes['decision'] = 'accept', ' allowed', ' refused'),
                ' by ', LogAttributes['source'], and_argument),
        AgentEvent = 'tool_result',
            concat(
                ToolName, if(ifNull(Success, false), ' succeeded', ' failed'),
                ' in ', took, and_argument, if(error = '', '', concat(' (', error, ')'))),
        AgentEvent = 'subagent_completed',
            concat(
                LogAttributes['agent_type'], ' subagent completed in ', took,
                ', tool uses: ', LogAttributes['total_tool_uses']),
        AgentEvent = 'compaction',
            concat(
                'context compacted (', LogAttributes['trigger'], ') from ',
                LogAttributes['pre_tokens'], ' to ', LogAttributes['post_tokens'], ' tokens', and_error),
        AgentEvent = 'permission_mode_changed',
            concat('permission mode changed from ', LogAttributes['from_mode'], ' to ', LogAttributes['to_mode']),
        AgentEvent = 'mcp_server_connection',
            concat('MCP server ', LogAttributes['server_name'], ' ', LogAttributes['status'], and_error),
        AgentEvent = 'skill_activated',
            concat('skill ', LogAttributes['skill.name'], ' activated (', LogAttributes['invocation_trigger'], ')'),
        AgentEvent = 'plugin_loaded',
            concat('plugin ', LogAttributes['plugin.name'], ' loaded'),
        AgentEvent = 'hook_execution_complete',
            concat('hook ', LogAttributes['hook_name'], ' completed in ', LogAttributes['total_duration_ms'], ' ms'),
        concat(replaceAll(AgentEvent, '_', ' '), and_error)) AS told
SELECT
    toTimeZone(Timestamp, 'UTC') AS time,
    AgentEvent AS event,
    Sequence AS sequence,
    PromptId AS prompt,
    ToolName AS tool,
    Model AS model,
    Success AS success,
    if(mapContains(LogAttributes, 'duration_ms'), DurationMs, NULL) AS duration_ms,
    if(AgentEvent = 'api_request', toFloat64(Cost), NULL) AS cost,
    InputTokens AS input_tokens,
    OutputTokens AS output_tokens,
    CacheReadTokens AS cache_read_tokens,
    CacheCreationTokens AS cache_creation_tokens,
    substringUTF8(trimBoth(replaceRegexpAll(substringUTF8(told, 1, 1000), '\\s+', ' ')), 1, 200) AS summary,
    CAST(LogAttributes, 'Map(String, String)') AS attributes,
    toString(EventId) AS event_id
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND SessionId = {session:String}
    -- The session's own bounds prune what the range, open by default, does not.
    AND Timestamp >= bounds.1
    AND toStartOfHour(Timestamp) > bounds.1 - toIntervalHour(1)
    AND Timestamp <= bounds.2
    AND toStartOfHour(Timestamp) <= bounds.2
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND Timestamp >= {after_time:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {after_time:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND (
        NOT {after:Bool}
        OR (Timestamp, Sequence, EventId) > ({after_time:DateTime64(9, 'UTC')}, {after_sequence:UInt64}, {after_event_id:UInt128})
    )
    AND (empty({events:Array(String)}) OR AgentEvent IN {events:Array(String)})
    AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
    AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
ORDER BY
    Timestamp,
    Sequence,
    EventId
LIMIT {limit:UInt32}
