-- Sessions with their figures.
CREATE OR REPLACE VIEW {published:Identifier}.sessions
(
    session String COMMENT 'the session',
    user String COMMENT 'who ran it',
    team String COMMENT 'the team',
    project String COMMENT 'the project, where the client names one',
    terminal String COMMENT 'terminal or editor',
    version String COMMENT 'the client''s version',
    start DateTime64(9, 'UTC') COMMENT 'its first event',
    end DateTime64(9, 'UTC') COMMENT 'its latest event',
    duration_s Float64 COMMENT 'from first to latest event, in seconds',
    events UInt64 COMMENT 'events',
    prompts UInt64 COMMENT 'prompts that the user gave',
    requests UInt64 COMMENT 'API requests that were answered',
    cost Decimal(38, 9) COMMENT 'US dollars, as the client reported them',
    input_tokens UInt64 COMMENT 'tokens sent, cached ones not included',
    output_tokens UInt64 COMMENT 'tokens generated',
    cache_read_tokens UInt64 COMMENT 'tokens read from the cache',
    cache_creation_tokens UInt64 COMMENT 'tokens written to the cache',
    tools UInt64 COMMENT 'tool calls that were carried out',
    tool_errors UInt64 COMMENT 'of them, those that failed',
    api_errors UInt64 COMMENT 'API requests that failed for good',
    models Array(String) COMMENT 'the models that answered',
    last_ingested_at DateTime64(3, 'UTC') COMMENT 'when its latest event was received'
)
SQL SECURITY DEFINER
AS SELECT
    SessionId AS session,
    max(sessions.UserId) AS user,
    max(sessions.TeamId) AS team,
    max(sessions.Project) AS project,
    max(sessions.Terminal) AS terminal,
    max(sessions.Version) AS version,
    min(sessions.Start) AS start,
    max(sessions.End) AS end,
    dateDiff('millisecond', min(sessions.Start), max(sessions.End)) / 1000 AS duration_s,
    sum(sessions.Events) AS events,
    sum(sessions.Prompts) AS prompts,
    sum(sessions.Requests) AS requests,
    sum(sessions.Cost) AS cost,
    sum(sessions.InputTokens) AS input_tokens,
    sum(sessions.OutputTokens) AS output_tokens,
    sum(sessions.CacheReadTokens) AS cache_read_tokens,
    sum(sessions.CacheCreationTokens) AS cache_creation_tokens,
    sum(sessions.Tools) AS tools,
    sum(sessions.ToolErrors) AS tool_errors,
    sum(sessions.ApiErrors) AS api_errors,
    arraySort(groupUniqArrayArray(sessions.Models)) AS models,
    max(sessions.LastIngestedAt) AS last_ingested_at
FROM sessions
WHERE {scope}
GROUP BY SessionId
COMMENT 'Sessions with their figures'
