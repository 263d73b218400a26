-- A session's figures, a row a session and day (UTC), so that a range of days is read without the rest.
CREATE TABLE IF NOT EXISTS sessions
(
    TenantId LowCardinality(String),
    Day Date CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    UserId SimpleAggregateFunction(max, String),
    TeamId SimpleAggregateFunction(max, String),
    Project SimpleAggregateFunction(max, String),
    Terminal SimpleAggregateFunction(max, String),
    Version SimpleAggregateFunction(max, String),
    Start SimpleAggregateFunction(min, DateTime64(9)),
    End SimpleAggregateFunction(max, DateTime64(9)),
    Events SimpleAggregateFunction(sum, UInt64),
    Prompts SimpleAggregateFunction(sum, UInt64),
    Requests SimpleAggregateFunction(sum, UInt64),
    Cost SimpleAggregateFunction(sum, Decimal(38, 9)),
    InputTokens SimpleAggregateFunction(sum, UInt64),
    OutputTokens SimpleAggregateFunction(sum, UInt64),
    CacheReadTokens SimpleAggregateFunction(sum, UInt64),
    CacheCreationTokens SimpleAggregateFunction(sum, UInt64),
    RequestMs SimpleAggregateFunction(sum, UInt64),
    Tools SimpleAggregateFunction(sum, UInt64),
    ToolErrors SimpleAggregateFunction(sum, UInt64),
    ApiErrors SimpleAggregateFunction(sum, UInt64),
    Models SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    LastIngestedAt SimpleAggregateFunction(max, DateTime64(3)),
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Day)
ORDER BY (TenantId, Day, SessionId)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS sessions_mv TO sessions AS
SELECT
    TenantId,
    toDate(Timestamp, 'UTC') AS Day,
    SessionId,
    max(otel_logs.UserId) AS UserId,
    max(otel_logs.TeamId) AS TeamId,
    max(otel_logs.Project) AS Project,
    max(LogAttributes['terminal.type']) AS Terminal,
    max(ResourceAttributes['service.version']) AS Version,
    min(Timestamp) AS Start,
    max(Timestamp) AS End,
    count() AS Events,
    -- A background agent's report comes as a prompt, which nobody gave.
    countIf(AgentEvent = 'user_prompt' AND NOT startsWith(LogAttributes['prompt'], '<task-notification>')) AS Prompts,
    countIf(AgentEvent = 'api_request') AS Requests,
    sumIf(otel_logs.Cost, AgentEvent = 'api_request') AS Cost,
    sumIf(otel_logs.InputTokens, AgentEvent = 'api_request') AS InputTokens,
    sumIf(otel_logs.OutputTokens, AgentEvent = 'api_request') AS OutputTokens,
    sumIf(otel_logs.CacheReadTokens, AgentEvent = 'api_request') AS CacheReadTokens,
    sumIf(otel_logs.CacheCreationTokens, AgentEvent = 'api_request') AS CacheCreationTokens,
    sumIf(otel_logs.DurationMs, AgentEvent = 'api_request') AS RequestMs,
    countIf(AgentEvent = 'tool_result') AS Tools,
    countIf(AgentEvent = 'tool_result' AND NOT ifNull(Success, false)) AS ToolErrors,
    countIf(AgentEvent = 'api_error') AS ApiErrors,
    groupUniqArrayIf(toString(Model), AgentEvent = 'api_request' AND Model != '') AS Models,
    max(IngestedAt) AS LastIngestedAt
FROM otel_logs
WHERE SessionId != ''
GROUP BY TenantId, Day, SessionId;

-- A session's tokens by model, which the recomputed cost needs.
CREATE TABLE IF NOT EXISTS session_models
(
    TenantId LowCardinality(String),
    Day Date CODEC(ZSTD(1)),
    SessionId String CODEC(ZSTD(1)),
    Model LowCardinality(String),
    Speed LowCardinality(String),
    LongContext Bool,
    Requests SimpleAggregateFunction(sum, UInt64),
    Cost SimpleAggregateFunction(sum, Decimal(38, 9)),
    InputTokens SimpleAggregateFunction(sum, UInt64),
    OutputTokens SimpleAggregateFunction(sum, UInt64),
    CacheReadTokens SimpleAggregateFunction(sum, UInt64),
    CacheCreationTokens SimpleAggregateFunction(sum, UInt64),
    CacheCreation1hTokens SimpleAggregateFunction(sum, UInt64),
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Day)
ORDER BY (TenantId, Day, SessionId, Model, Speed, LongContext)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_models_mv TO session_models AS
SELECT
    TenantId,
    toDate(Timestamp, 'UTC') AS Day,
    SessionId,
    Model,
    LogAttributes['speed'] AS Speed,
    otel_logs.InputTokens + otel_logs.CacheReadTokens + otel_logs.CacheCreationTokens > 200000 AS LongContext,
    count() AS Requests,
    sum(otel_logs.Cost) AS Cost,
    sum(otel_logs.InputTokens) AS InputTokens,
    sum(otel_logs.OutputTokens) AS OutputTokens,
    sum(otel_logs.CacheReadTokens) AS CacheReadTokens,
    sum(otel_logs.CacheCreationTokens) AS CacheCreationTokens,
    sum(otel_logs.CacheCreation1hTokens) AS CacheCreation1hTokens
FROM otel_logs
WHERE AgentEvent = 'api_request' AND SessionId != ''
GROUP BY TenantId, Day, SessionId, Model, Speed, LongContext;
