/*
question = "What is one session's story in figures?"
filters = []
tables = ["sessions", "session_models_priced", "session_archives", "otel_logs"]
cache = "10s"

# The session is summed whole, whatever the range.
[params.session]
type = "session"
help = "the session's id"

[columns]
session = "the session's id"
user = "who ran it"
team = "the user's team"
project = "what was worked on"
terminal = "the terminal or editor"
version = "the client's version"
start = "time of the first event"
end = "time of the last event"
duration_s = "seconds from the first event to the last"
events = "log events"
prompts = "prompts; a background agent's report, which comes as one, is left out where the client sends its text"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; null where no price is known"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
cache_read_tokens = "tokens read from the cache"
cache_creation_tokens = "tokens written to the cache"
all_input_tokens = "input, cache read and cache creation together"
cache_hit_rate = "cache_read_tokens / all_input_tokens, 0 to 1"
avg_request_ms = "mean duration of a request in milliseconds"
tools = "tool calls that ran to a result"
tool_errors = "tool calls that failed"
tool_success_rate = "(tools - tool_errors) / tools, 0 to 1"
tool_calls = "calls by tool"
subagents = "calls of the tools Agent and Task"
rejected = "tool calls that were refused"
compactions = "times the context was compacted"
api_errors = "API requests that failed for good"
models = "models that answered"
archived = "whether the archive holds every event stored so far"
*/
WITH
    (
        SELECT (min(Start), max(End))
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND SessionId = {session:String}
    ) AS bounds
SELECT
    session,
    user,
    team,
    project,
    terminal,
    version,
    start,
    end,
    duration_s,
    events,
    prompts,
    requests,
    cost,
    if(requests = 0, 0, priced.cost_list) AS cost_list,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_creation_tokens,
    input_tokens + cache_read_tokens + cache_creation_tokens AS all_input_tokens,
    cache_read_tokens / nullIf(all_input_tokens, 0) AS cache_hit_rate,
    avg_request_ms,
    tools,
    tool_errors,
    (tools - tool_errors) / nullIf(tools, 0) AS tool_success_rate,
    acts.tool_calls AS tool_calls,
    acts.tool_calls['Agent'] + acts.tool_calls['Task'] AS subagents,
    acts.rejected AS rejected,
    acts.compactions AS compactions,
    api_errors,
    models,
    toBool(archives.ingested_up_to >= last_ingested_at) AS archived
FROM
(
    SELECT
        SessionId AS session,
        toString(max(UserId)) AS user,
        toString(max(TeamId)) AS team,
        toString(max(Project)) AS project,
        toString(max(Terminal)) AS terminal,
        toString(max(Version)) AS version,
        toDateTime64(min(Start), 3, 'UTC') AS start,
        toDateTime64(max(End), 3, 'UTC') AS end,
        dateDiff('millisecond', min(Start), max(End)) / 1000 AS duration_s,
        sum(Events) AS events,
        sum(Prompts) AS prompts,
        sum(Requests) AS requests,
        toFloat64(sum(Cost)) AS cost,
        sum(InputTokens) AS input_tokens,
        sum(OutputTokens) AS output_tokens,
        sum(CacheReadTokens) AS cache_read_tokens,
        sum(CacheCreationTokens) AS cache_creation_tokens,
        round(sum(RequestMs) / nullIf(sum(Requests), 0), 3) AS avg_request_ms,
        sum(Tools) AS tools,
        sum(ToolErrors) AS tool_errors,
        sum(ApiErrors) AS api_errors,
        arraySort(groupUniqArrayArray(Models)) AS models,
        max(LastIngestedAt) AS last_ingested_at
    FROM sessions
    WHERE TenantId = {tenant:String}
        AND SessionId = {session:String}
    GROUP BY SessionId
) AS figures
CROSS JOIN
(
    SELECT round(sum(CostList), 9) AS cost_list
    FROM session_models_priced
    WHERE TenantId = {tenant:String}
        AND SessionId = {session:String}
) AS priced
CROSS JOIN
(
    SELECT
        mapSort(sumMapIf(map(toString(ToolName), toUInt64(1)), AgentEvent = 'tool_result')) AS tool_calls,
        countIf(AgentEvent = 'tool_decision' AND LogAttributes['decision'] = 'reject') AS rejected,
        countIf(AgentEvent = 'compaction') AS compactions
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent IN ('tool_result', 'tool_decision', 'compaction')
        AND Timestamp >= bounds.1
        AND toStartOfHour(Timestamp) > bounds.1 - toIntervalHour(1)
        AND Timestamp <= bounds.2
        AND toStartOfHour(Timestamp) <= bounds.2
        AND SessionId = {session:String}
) AS acts
CROSS JOIN
(
    SELECT argMax(IngestedUpTo, ArchivedAt) AS ingested_up_to
    FROM session_archives
    WHERE TenantId = {tenant:String}
        AND SessionId = {session:String}
) AS archives
