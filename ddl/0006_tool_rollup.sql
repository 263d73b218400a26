-- Tool calls per hour: results, decisions, and durations as a sketch that merges the same in any order.
CREATE TABLE IF NOT EXISTS tool_usage_hourly
(
    TenantId LowCardinality(String),
    Hour DateTime('UTC') CODEC(Delta, ZSTD(1)),
    ToolName LowCardinality(String),
    TeamId LowCardinality(String),
    Project LowCardinality(String),
    UserId String CODEC(ZSTD(1)),
    Terminal LowCardinality(String),
    Version LowCardinality(String),
    Calls SimpleAggregateFunction(sum, UInt64),
    Ok SimpleAggregateFunction(sum, UInt64),
    Failed SimpleAggregateFunction(sum, UInt64),
    DurationMs SimpleAggregateFunction(sum, UInt64),
    -- bfloat16 buckets: within 0.4 % of the value, and independent of the order of merges.
    DurationQuantiles AggregateFunction(quantilesBFloat16(0.5, 0.95, 0.99), UInt64),
    Accepted SimpleAggregateFunction(sum, UInt64),
    Rejected SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Hour)
ORDER BY (TenantId, Hour, ToolName, TeamId, Project, UserId, Terminal, Version)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS tool_usage_hourly_mv TO tool_usage_hourly AS
SELECT
    TenantId,
    toStartOfHour(toDateTime(Timestamp, 'UTC')) AS Hour,
    ToolName,
    TeamId,
    Project,
    UserId,
    LogAttributes['terminal.type'] AS Terminal,
    ResourceAttributes['service.version'] AS Version,
    countIf(AgentEvent = 'tool_result') AS Calls,
    countIf(AgentEvent = 'tool_result' AND ifNull(Success, false)) AS Ok,
    countIf(AgentEvent = 'tool_result' AND NOT ifNull(Success, false)) AS Failed,
    sumIf(otel_logs.DurationMs, AgentEvent = 'tool_result') AS DurationMs,
    quantilesBFloat16StateIf(0.5, 0.95, 0.99)(otel_logs.DurationMs, AgentEvent = 'tool_result') AS DurationQuantiles,
    countIf(AgentEvent = 'tool_decision' AND LogAttributes['decision'] = 'accept') AS Accepted,
    countIf(AgentEvent = 'tool_decision' AND LogAttributes['decision'] = 'reject') AS Rejected
FROM otel_logs
WHERE AgentEvent IN ('tool_result', 'tool_decision')
GROUP BY TenantId, Hour, ToolName, TeamId, Project, UserId, Terminal, Version;
