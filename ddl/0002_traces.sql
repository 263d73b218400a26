-- Spans, in the collector's names and types, then Granary's columns; see 0001_logs.sql.
CREATE TABLE IF NOT EXISTS otel_traces
(
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName LowCardinality(String) CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(T64, ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    `Events.Timestamp` Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Events.Name` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Links.TraceId` Array(String) CODEC(ZSTD(1)),
    `Links.SpanId` Array(String) CODEC(ZSTD(1)),
    `Links.TraceState` Array(String) CODEC(ZSTD(1)),
    `Links.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),

    TenantId LowCardinality(String) DEFAULT 'default' CODEC(ZSTD(1)),
    SessionId String DEFAULT arrayFirst(x -> x != '', [
        SpanAttributes['session.id'], SpanAttributes['conversation.id'],
        SpanAttributes['gen_ai.conversation.id'], SpanAttributes['cursor.conversation.id'],
        ResourceAttributes['session.id'], ResourceAttributes['conversation.id'],
        ResourceAttributes['gen_ai.conversation.id'], ResourceAttributes['cursor.conversation.id']]) CODEC(ZSTD(1)),
    UserId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        SpanAttributes['user.email'], SpanAttributes['user.account_uuid'],
        SpanAttributes['user.account_id'], SpanAttributes['user.id'],
        ResourceAttributes['user.email'], ResourceAttributes['user.account_uuid'],
        ResourceAttributes['user.account_id'], ResourceAttributes['user.id']]) CODEC(ZSTD(1)),
    TeamId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        SpanAttributes['team.id'], SpanAttributes['team'],
        ResourceAttributes['team.id'], ResourceAttributes['team']]) CODEC(ZSTD(1)),
    Project LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        SpanAttributes['project'], SpanAttributes['project.name'],
        ResourceAttributes['project'], ResourceAttributes['project.name']]) CODEC(ZSTD(1)),
    Model LowCardinality(String) DEFAULT replaceRegexpOne(replaceRegexpOne(
        arrayFirst(x -> x != '', [SpanAttributes['model'], SpanAttributes['gen_ai.response.model'], SpanAttributes['gen_ai.request.model']]),
        '\\[[^\\[\\]]*\\]$', ''),
        '(?s)^(?:.*anthropic[./])?(claude-.*?)(?:-20[0-9]{6}|@[a-z0-9]+)?(?:-v[0-9]+(?::[0-9]+)?)?$', '\\1') CODEC(ZSTD(1)),
    ToolName LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        SpanAttributes['tool_name'], SpanAttributes['gen_ai.tool.name'], SpanAttributes['function_name']]) CODEC(ZSTD(1)),
    EventId UInt128 DEFAULT reinterpretAsUInt128(sipHash128(TenantId, ServiceName, TraceId, SpanId, SpanName, Timestamp)) CODEC(NONE),
    BatchId UUID CODEC(ZSTD(1)),
    IngestedAt DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    TimeOutOfRange Bool DEFAULT Timestamp < IngestedAt - toIntervalDay(366) OR Timestamp > IngestedAt + toIntervalDay(1) CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(T64, ZSTD(1)),
    DroppedAttributes UInt32 CODEC(T64, ZSTD(1)),
    DroppedEvents UInt32 CODEC(T64, ZSTD(1)),
    DroppedLinks UInt32 CODEC(T64, ZSTD(1)),
    AttributeTypes LowCardinality(String) CODEC(ZSTD(1)),
    RedactedFields Array(LowCardinality(String)) CODEC(ZSTD(1)),

    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_ingested_at IngestedAt TYPE minmax GRANULARITY 1,
    INDEX idx_batch BatchId TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Timestamp)
ORDER BY (TenantId, SpanName, toStartOfHour(Timestamp), SessionId, Timestamp)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 10000;

-- The collector's lookup from a trace to its time range; Grafana's trace view reads it.
CREATE TABLE IF NOT EXISTS otel_traces_trace_id_ts
(
    TraceId String CODEC(ZSTD(1)),
    Start DateTime CODEC(Delta, ZSTD(1)),
    End DateTime CODEC(Delta, ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Start)
ORDER BY (TraceId, Start)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_trace_id_ts_mv TO otel_traces_trace_id_ts AS
SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
FROM otel_traces
WHERE TraceId != ''
GROUP BY TraceId;
