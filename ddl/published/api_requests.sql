-- API requests that were answered: what each cost, consumed and took.
CREATE OR REPLACE VIEW {published:Identifier}.api_requests
(
    time DateTime64(9, 'UTC') COMMENT 'when it happened, by the client''s clock',
    session String COMMENT 'the session; joins with every other view',
    user LowCardinality(String) COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    team LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    project LowCardinality(String) COMMENT 'the project, where the client names one',
    model LowCardinality(String) COMMENT 'the model, by the one name that all its spellings have',
    cost Decimal(18, 9) COMMENT 'US dollars, as the client reported them',
    input_tokens UInt64 COMMENT 'tokens sent, cached ones not included',
    output_tokens UInt64 COMMENT 'tokens generated',
    cache_read_tokens UInt64 COMMENT 'tokens read from the cache',
    cache_creation_tokens UInt64 COMMENT 'tokens written to the cache',
    duration_ms UInt64 COMMENT 'from the request to the end of the answer, in milliseconds',
    first_token_ms UInt64 COMMENT 'until the answer began, in milliseconds; 0 where the client does not say',
    speed String COMMENT 'normal or fast',
    effort String COMMENT 'how hard the model was told to think',
    query_source String COMMENT 'what of the agent asked: the main thread, a subagent, a summary …',
    agent String COMMENT 'the subagent, if one asked',
    skill String COMMENT 'the skill, if one asked',
    mcp_server String COMMENT 'the MCP server, if one is behind it',
    request_id String COMMENT 'the provider''s id of the request',
    terminal LowCardinality(String) COMMENT 'terminal or editor the agent runs in',
    version LowCardinality(String) COMMENT 'the client''s version',
    service LowCardinality(String) COMMENT 'the client''s program, such as claude-code',
    prompt String COMMENT 'the prompt it came of',
    sequence UInt64 COMMENT 'number within the client''s process, which orders what has the same time',
    event_id UUID COMMENT 'what makes the event one event',
    ingested_at DateTime64(3, 'UTC') COMMENT 'when it was received'
)
SQL SECURITY DEFINER
AS SELECT
    Timestamp AS time,
    SessionId AS session,
    UserId AS user,
    TeamId AS team,
    Project AS project,
    Model AS model,
    Cost AS cost,
    InputTokens AS input_tokens,
    OutputTokens AS output_tokens,
    CacheReadTokens AS cache_read_tokens,
    CacheCreationTokens AS cache_creation_tokens,
    DurationMs AS duration_ms,
    toUInt64OrZero(LogAttributes['ttft_ms']) AS first_token_ms,
    LogAttributes['speed'] AS speed,
    LogAttributes['effort'] AS effort,
    LogAttributes['query_source'] AS query_source,
    LogAttributes['agent.name'] AS agent,
    LogAttributes['skill.name'] AS skill,
    LogAttributes['mcp_server.name'] AS mcp_server,
    LogAttributes['request_id'] AS request_id,
    LogAttributes['terminal.type'] AS terminal,
    ResourceAttributes['service.version'] AS version,
    ServiceName AS service,
    PromptId AS prompt,
    Sequence AS sequence,
    reinterpretAsUUID(EventId) AS event_id,
    IngestedAt AS ingested_at
FROM otel_logs
WHERE {scope}
    AND AgentEvent = 'api_request'
COMMENT 'API requests that were answered: what each cost, consumed and took'
