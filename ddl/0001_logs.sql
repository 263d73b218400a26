-- Log records: for a coding agent, its events.
--
-- The first block of columns has the names and types of the OpenTelemetry Collector's ClickHouse exporter
-- (0.151 and later), so that the Collector can write here and Grafana's and HyperDX's OTel modes can read.
-- The second block is Granary's: what the queries filter and sum by, as typed columns. Granary sends their
-- values; for a writer that does not, the DEFAULT computes them from the maps.
CREATE TABLE IF NOT EXISTS otel_logs
(
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    TraceFlags UInt8,
    SeverityText LowCardinality(String) CODEC(ZSTD(1)),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Body String CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName LowCardinality(String) CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    EventName String CODEC(ZSTD(1)),

    TenantId LowCardinality(String) DEFAULT 'default' CODEC(ZSTD(1)),
    SessionId String DEFAULT arrayFirst(x -> x != '', [
        LogAttributes['session.id'], LogAttributes['conversation.id'],
        LogAttributes['gen_ai.conversation.id'], LogAttributes['cursor.conversation.id'],
        ResourceAttributes['session.id'], ResourceAttributes['conversation.id'],
        ResourceAttributes['gen_ai.conversation.id'], ResourceAttributes['cursor.conversation.id']]) CODEC(ZSTD(1)),
    UserId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        LogAttributes['user.email'], LogAttributes['user.account_uuid'],
        LogAttributes['user.account_id'], LogAttributes['user.id'],
        ResourceAttributes['user.email'], ResourceAttributes['user.account_uuid'],
        ResourceAttributes['user.account_id'], ResourceAttributes['user.id']]) CODEC(ZSTD(1)),
    TeamId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        LogAttributes['team.id'], LogAttributes['team'],
        ResourceAttributes['team.id'], ResourceAttributes['team']]) CODEC(ZSTD(1)),
    Project LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        LogAttributes['project'], LogAttributes['project.name'],
        ResourceAttributes['project'], ResourceAttributes['project.name']]) CODEC(ZSTD(1)),
    PromptId String DEFAULT LogAttributes['prompt.id'] CODEC(ZSTD(1)),
    -- The agent's own name of the event; `EventName` is OTLP's field, which Claude Code leaves empty.
    AgentEvent LowCardinality(String) DEFAULT replaceRegexpOne(
        if(LogAttributes['event.name'] != '', LogAttributes['event.name'], Body), '^claude_code\\.', '') CODEC(ZSTD(1)),
    Sequence UInt64 DEFAULT toUInt64OrZero(LogAttributes['event.sequence']) CODEC(T64, ZSTD(1)),
    -- One name for one model, whatever window, snapshot, vendor and platform it was asked for with; see README.md.
    Model LowCardinality(String) DEFAULT replaceRegexpOne(replaceRegexpOne(
        arrayFirst(x -> x != '', [LogAttributes['model'], LogAttributes['gen_ai.response.model'], LogAttributes['gen_ai.request.model']]),
        '\\[[^\\[\\]]*\\]$', ''),
        '(?s)^(?:.*anthropic[./])?(claude-.*?)(?:-20[0-9]{6}|@[a-z0-9]+)?(?:-v[0-9]+(?::[0-9]+)?)?$', '\\1') CODEC(ZSTD(1)),
    ToolName LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        LogAttributes['tool_name'], LogAttributes['gen_ai.tool.name'], LogAttributes['function_name']]) CODEC(ZSTD(1)),
    Success Nullable(Bool) DEFAULT multiIf(
        lower(LogAttributes['success']) = 'true', true, lower(LogAttributes['success']) = 'false', false, NULL) CODEC(ZSTD(1)),
    DurationMs UInt64 DEFAULT toUInt64(greatest(round(toFloat64OrZero(LogAttributes['duration_ms'])), 0)) CODEC(T64, ZSTD(1)),
    InputTokens UInt64 DEFAULT toUInt64OrZero(LogAttributes['input_tokens']) CODEC(T64, ZSTD(1)),
    OutputTokens UInt64 DEFAULT toUInt64OrZero(LogAttributes['output_tokens']) CODEC(T64, ZSTD(1)),
    CacheReadTokens UInt64 DEFAULT toUInt64OrZero(LogAttributes['cache_read_tokens']) CODEC(T64, ZSTD(1)),
    CacheCreationTokens UInt64 DEFAULT toUInt64OrZero(LogAttributes['cache_creation_tokens']) CODEC(T64, ZSTD(1)),
    -- How long the cache keeps what was written, where the client says so; an hour costs more than five minutes.
    CacheCreation5mTokens UInt64 DEFAULT toUInt64OrZero(LogAttributes['cache_creation_5m_tokens']) CODEC(T64, ZSTD(1)),
    CacheCreation1hTokens UInt64 DEFAULT toUInt64OrZero(LogAttributes['cache_creation_1h_tokens']) CODEC(T64, ZSTD(1)),
    -- US dollars as the client reported them.
    Cost Decimal(18, 9) DEFAULT toDecimal64OrZero(toString(round(toFloat64OrZero(LogAttributes['cost_usd']), 9)), 9) CODEC(ZSTD(1)),
    -- What makes the event one event, hashed; see ARCHITECTURE.md, identity.
    EventId UInt128 DEFAULT reinterpretAsUInt128(sipHash128(
        TenantId, ServiceName, Timestamp, TraceId, SpanId, Body, toString(LogAttributes))) CODEC(NONE),
    BatchId UUID CODEC(ZSTD(1)),
    IngestedAt DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    -- The sender's clock cannot be right: over a year behind the reception or more than a day ahead of it.
    TimeOutOfRange Bool DEFAULT Timestamp < IngestedAt - toIntervalDay(366) OR Timestamp > IngestedAt + toIntervalDay(1) CODEC(ZSTD(1)),
    -- Nanoseconds from the event to its observation; OTLP's ObservedTimestamp is Timestamp plus this.
    ObservedDelay Int64 CODEC(T64, ZSTD(1)),
    -- All bits of OTLP's flags; TraceFlags has the lowest eight.
    Flags UInt32 CODEC(T64, ZSTD(1)),
    DroppedAttributes UInt32 CODEC(T64, ZSTD(1)),
    -- The types that the string maps lose, a letter a value; see ddl/README.md.
    AttributeTypes LowCardinality(String) CODEC(ZSTD(1)),
    RedactedFields Array(LowCardinality(String)) CODEC(ZSTD(1)),

    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_ingested_at IngestedAt TYPE minmax GRANULARITY 1,
    INDEX idx_batch BatchId TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Timestamp)
ORDER BY (TenantId, AgentEvent, toStartOfHour(Timestamp), SessionId, Timestamp)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 10000;
