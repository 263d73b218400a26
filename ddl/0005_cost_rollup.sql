-- Cost and tokens per hour and everything people ask cost by. Fed by `api_request` events alone: the
-- counters of the metrics say the same money a second time.
CREATE TABLE IF NOT EXISTS cost_hourly
(
    TenantId LowCardinality(String),
    Hour DateTime('UTC') CODEC(Delta, ZSTD(1)),
    Model LowCardinality(String),
    TeamId LowCardinality(String),
    Project LowCardinality(String),
    UserId String CODEC(ZSTD(1)),
    Organization LowCardinality(String),
    Terminal LowCardinality(String),
    Version LowCardinality(String),
    QuerySource LowCardinality(String),
    Agent LowCardinality(String),
    Skill LowCardinality(String),
    McpServer LowCardinality(String),
    Speed LowCardinality(String),
    -- More than 200,000 input tokens, cached ones included: priced by other factors.
    LongContext Bool,
    Requests SimpleAggregateFunction(sum, UInt64),
    Cost SimpleAggregateFunction(sum, Decimal(38, 9)),
    InputTokens SimpleAggregateFunction(sum, UInt64),
    OutputTokens SimpleAggregateFunction(sum, UInt64),
    CacheReadTokens SimpleAggregateFunction(sum, UInt64),
    CacheCreationTokens SimpleAggregateFunction(sum, UInt64),
    CacheCreation5mTokens SimpleAggregateFunction(sum, UInt64),
    CacheCreation1hTokens SimpleAggregateFunction(sum, UInt64),
    DurationMs SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Hour)
ORDER BY (TenantId, Hour, Model, TeamId, Project, UserId, Organization, Terminal, Version, QuerySource, Agent, Skill, McpServer, Speed, LongContext)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS cost_hourly_mv TO cost_hourly AS
SELECT
    TenantId,
    toStartOfHour(toDateTime(Timestamp, 'UTC')) AS Hour,
    Model,
    TeamId,
    Project,
    UserId,
    LogAttributes['organization.id'] AS Organization,
    LogAttributes['terminal.type'] AS Terminal,
    ResourceAttributes['service.version'] AS Version,
    LogAttributes['query_source'] AS QuerySource,
    LogAttributes['agent.name'] AS Agent,
    LogAttributes['skill.name'] AS Skill,
    LogAttributes['mcp_server.name'] AS McpServer,
    LogAttributes['speed'] AS Speed,
    otel_logs.InputTokens + otel_logs.CacheReadTokens + otel_logs.CacheCreationTokens > 200000 AS LongContext,
    count() AS Requests,
    sum(otel_logs.Cost) AS Cost,
    sum(otel_logs.InputTokens) AS InputTokens,
    sum(otel_logs.OutputTokens) AS OutputTokens,
    sum(otel_logs.CacheReadTokens) AS CacheReadTokens,
    sum(otel_logs.CacheCreationTokens) AS CacheCreationTokens,
    sum(otel_logs.CacheCreation5mTokens) AS CacheCreation5mTokens,
    sum(otel_logs.CacheCreation1hTokens) AS CacheCreation1hTokens,
    sum(otel_logs.DurationMs) AS DurationMs
FROM otel_logs
WHERE AgentEvent = 'api_request'
GROUP BY TenantId, Hour, Model, TeamId, Project, UserId, Organization, Terminal, Version, QuerySource, Agent, Skill, McpServer, Speed, LongContext;
