-- Metric points, one table per kind, in the collector's names and types, then Granary's columns; see 0001_logs.sql.
CREATE TABLE IF NOT EXISTS otel_metrics_gauge
(
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName LowCardinality(String) CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription LowCardinality(String) CODEC(ZSTD(1)),
    MetricUnit LowCardinality(String) CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    Value Float64 CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Exemplars.TimeUnix` Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Exemplars.Value` Array(Float64) CODEC(ZSTD(1)),
    `Exemplars.SpanId` Array(String) CODEC(ZSTD(1)),
    `Exemplars.TraceId` Array(String) CODEC(ZSTD(1)),

    TenantId LowCardinality(String) DEFAULT 'default' CODEC(ZSTD(1)),
    SessionId String DEFAULT arrayFirst(x -> x != '', [
        Attributes['session.id'], Attributes['conversation.id'],
        Attributes['gen_ai.conversation.id'], Attributes['cursor.conversation.id'],
        ResourceAttributes['session.id'], ResourceAttributes['conversation.id'],
        ResourceAttributes['gen_ai.conversation.id'], ResourceAttributes['cursor.conversation.id']]) CODEC(ZSTD(1)),
    UserId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['user.email'], Attributes['user.account_uuid'],
        Attributes['user.account_id'], Attributes['user.id'],
        ResourceAttributes['user.email'], ResourceAttributes['user.account_uuid'],
        ResourceAttributes['user.account_id'], ResourceAttributes['user.id']]) CODEC(ZSTD(1)),
    TeamId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['team.id'], Attributes['team'],
        ResourceAttributes['team.id'], ResourceAttributes['team']]) CODEC(ZSTD(1)),
    Project LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['project'], Attributes['project.name'],
        ResourceAttributes['project'], ResourceAttributes['project.name']]) CODEC(ZSTD(1)),
    EventId UInt128 DEFAULT reinterpretAsUInt128(sipHash128(
        TenantId, ServiceName, MetricName, StartTimeUnix, TimeUnix, toString(Attributes))) CODEC(NONE),
    BatchId UUID CODEC(ZSTD(1)),
    IngestedAt DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    TimeOutOfRange Bool DEFAULT TimeUnix < IngestedAt - toIntervalDay(366) OR TimeUnix > IngestedAt + toIntervalDay(1) CODEC(ZSTD(1)),
    AttributeTypes LowCardinality(String) CODEC(ZSTD(1)),
    RedactedFields Array(LowCardinality(String)) CODEC(ZSTD(1)),

    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1,
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_ingested_at IngestedAt TYPE minmax GRANULARITY 1,
    INDEX idx_batch BatchId TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(TimeUnix)
ORDER BY (TenantId, MetricName, toStartOfHour(TimeUnix), SessionId, TimeUnix)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS otel_metrics_sum
(
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName LowCardinality(String) CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription LowCardinality(String) CODEC(ZSTD(1)),
    MetricUnit LowCardinality(String) CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    Value Float64 CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Exemplars.TimeUnix` Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Exemplars.Value` Array(Float64) CODEC(ZSTD(1)),
    `Exemplars.SpanId` Array(String) CODEC(ZSTD(1)),
    `Exemplars.TraceId` Array(String) CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),
    IsMonotonic Bool CODEC(Delta, ZSTD(1)),

    TenantId LowCardinality(String) DEFAULT 'default' CODEC(ZSTD(1)),
    SessionId String DEFAULT arrayFirst(x -> x != '', [
        Attributes['session.id'], Attributes['conversation.id'],
        Attributes['gen_ai.conversation.id'], Attributes['cursor.conversation.id'],
        ResourceAttributes['session.id'], ResourceAttributes['conversation.id'],
        ResourceAttributes['gen_ai.conversation.id'], ResourceAttributes['cursor.conversation.id']]) CODEC(ZSTD(1)),
    UserId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['user.email'], Attributes['user.account_uuid'],
        Attributes['user.account_id'], Attributes['user.id'],
        ResourceAttributes['user.email'], ResourceAttributes['user.account_uuid'],
        ResourceAttributes['user.account_id'], ResourceAttributes['user.id']]) CODEC(ZSTD(1)),
    TeamId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['team.id'], Attributes['team'],
        ResourceAttributes['team.id'], ResourceAttributes['team']]) CODEC(ZSTD(1)),
    Project LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['project'], Attributes['project.name'],
        ResourceAttributes['project'], ResourceAttributes['project.name']]) CODEC(ZSTD(1)),
    EventId UInt128 DEFAULT reinterpretAsUInt128(sipHash128(
        TenantId, ServiceName, MetricName, StartTimeUnix, TimeUnix, toString(Attributes))) CODEC(NONE),
    BatchId UUID CODEC(ZSTD(1)),
    IngestedAt DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    TimeOutOfRange Bool DEFAULT TimeUnix < IngestedAt - toIntervalDay(366) OR TimeUnix > IngestedAt + toIntervalDay(1) CODEC(ZSTD(1)),
    AttributeTypes LowCardinality(String) CODEC(ZSTD(1)),
    RedactedFields Array(LowCardinality(String)) CODEC(ZSTD(1)),

    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1,
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_ingested_at IngestedAt TYPE minmax GRANULARITY 1,
    INDEX idx_batch BatchId TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(TimeUnix)
ORDER BY (TenantId, MetricName, toStartOfHour(TimeUnix), SessionId, TimeUnix)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS otel_metrics_histogram
(
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName LowCardinality(String) CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription LowCardinality(String) CODEC(ZSTD(1)),
    MetricUnit LowCardinality(String) CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    BucketCounts Array(UInt64) CODEC(ZSTD(1)),
    ExplicitBounds Array(Float64) CODEC(ZSTD(1)),
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Exemplars.TimeUnix` Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Exemplars.Value` Array(Float64) CODEC(ZSTD(1)),
    `Exemplars.SpanId` Array(String) CODEC(ZSTD(1)),
    `Exemplars.TraceId` Array(String) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Min Float64 CODEC(ZSTD(1)),
    Max Float64 CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),

    TenantId LowCardinality(String) DEFAULT 'default' CODEC(ZSTD(1)),
    SessionId String DEFAULT arrayFirst(x -> x != '', [
        Attributes['session.id'], Attributes['conversation.id'],
        Attributes['gen_ai.conversation.id'], Attributes['cursor.conversation.id'],
        ResourceAttributes['session.id'], ResourceAttributes['conversation.id'],
        ResourceAttributes['gen_ai.conversation.id'], ResourceAttributes['cursor.conversation.id']]) CODEC(ZSTD(1)),
    UserId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['user.email'], Attributes['user.account_uuid'],
        Attributes['user.account_id'], Attributes['user.id'],
        ResourceAttributes['user.email'], ResourceAttributes['user.account_uuid'],
        ResourceAttributes['user.account_id'], ResourceAttributes['user.id']]) CODEC(ZSTD(1)),
    TeamId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['team.id'], Attributes['team'],
        ResourceAttributes['team.id'], ResourceAttributes['team']]) CODEC(ZSTD(1)),
    Project LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['project'], Attributes['project.name'],
        ResourceAttributes['project'], ResourceAttributes['project.name']]) CODEC(ZSTD(1)),
    EventId UInt128 DEFAULT reinterpretAsUInt128(sipHash128(
        TenantId, ServiceName, MetricName, StartTimeUnix, TimeUnix, toString(Attributes))) CODEC(NONE),
    BatchId UUID CODEC(ZSTD(1)),
    IngestedAt DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    TimeOutOfRange Bool DEFAULT TimeUnix < IngestedAt - toIntervalDay(366) OR TimeUnix > IngestedAt + toIntervalDay(1) CODEC(ZSTD(1)),
    AttributeTypes LowCardinality(String) CODEC(ZSTD(1)),
    RedactedFields Array(LowCardinality(String)) CODEC(ZSTD(1)),

    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1,
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_ingested_at IngestedAt TYPE minmax GRANULARITY 1,
    INDEX idx_batch BatchId TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(TimeUnix)
ORDER BY (TenantId, MetricName, toStartOfHour(TimeUnix), SessionId, TimeUnix)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS otel_metrics_exponential_histogram
(
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName LowCardinality(String) CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription LowCardinality(String) CODEC(ZSTD(1)),
    MetricUnit LowCardinality(String) CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    Scale Int32 CODEC(ZSTD(1)),
    ZeroCount UInt64 CODEC(ZSTD(1)),
    PositiveOffset Int32 CODEC(ZSTD(1)),
    PositiveBucketCounts Array(UInt64) CODEC(ZSTD(1)),
    NegativeOffset Int32 CODEC(ZSTD(1)),
    NegativeBucketCounts Array(UInt64) CODEC(ZSTD(1)),
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Exemplars.TimeUnix` Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Exemplars.Value` Array(Float64) CODEC(ZSTD(1)),
    `Exemplars.SpanId` Array(String) CODEC(ZSTD(1)),
    `Exemplars.TraceId` Array(String) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Min Float64 CODEC(ZSTD(1)),
    Max Float64 CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),
    -- The collector leaves it out; without it a histogram cannot be sent on as it came.
    ZeroThreshold Float64 CODEC(ZSTD(1)),

    TenantId LowCardinality(String) DEFAULT 'default' CODEC(ZSTD(1)),
    SessionId String DEFAULT arrayFirst(x -> x != '', [
        Attributes['session.id'], Attributes['conversation.id'],
        Attributes['gen_ai.conversation.id'], Attributes['cursor.conversation.id'],
        ResourceAttributes['session.id'], ResourceAttributes['conversation.id'],
        ResourceAttributes['gen_ai.conversation.id'], ResourceAttributes['cursor.conversation.id']]) CODEC(ZSTD(1)),
    UserId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['user.email'], Attributes['user.account_uuid'],
        Attributes['user.account_id'], Attributes['user.id'],
        ResourceAttributes['user.email'], ResourceAttributes['user.account_uuid'],
        ResourceAttributes['user.account_id'], ResourceAttributes['user.id']]) CODEC(ZSTD(1)),
    TeamId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['team.id'], Attributes['team'],
        ResourceAttributes['team.id'], ResourceAttributes['team']]) CODEC(ZSTD(1)),
    Project LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['project'], Attributes['project.name'],
        ResourceAttributes['project'], ResourceAttributes['project.name']]) CODEC(ZSTD(1)),
    EventId UInt128 DEFAULT reinterpretAsUInt128(sipHash128(
        TenantId, ServiceName, MetricName, StartTimeUnix, TimeUnix, toString(Attributes))) CODEC(NONE),
    BatchId UUID CODEC(ZSTD(1)),
    IngestedAt DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    TimeOutOfRange Bool DEFAULT TimeUnix < IngestedAt - toIntervalDay(366) OR TimeUnix > IngestedAt + toIntervalDay(1) CODEC(ZSTD(1)),
    AttributeTypes LowCardinality(String) CODEC(ZSTD(1)),
    RedactedFields Array(LowCardinality(String)) CODEC(ZSTD(1)),

    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1,
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_ingested_at IngestedAt TYPE minmax GRANULARITY 1,
    INDEX idx_batch BatchId TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(TimeUnix)
ORDER BY (TenantId, MetricName, toStartOfHour(TimeUnix), SessionId, TimeUnix)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS otel_metrics_summary
(
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName LowCardinality(String) CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription LowCardinality(String) CODEC(ZSTD(1)),
    MetricUnit LowCardinality(String) CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    `ValueAtQuantiles.Quantile` Array(Float64) CODEC(ZSTD(1)),
    `ValueAtQuantiles.Value` Array(Float64) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),

    TenantId LowCardinality(String) DEFAULT 'default' CODEC(ZSTD(1)),
    SessionId String DEFAULT arrayFirst(x -> x != '', [
        Attributes['session.id'], Attributes['conversation.id'],
        Attributes['gen_ai.conversation.id'], Attributes['cursor.conversation.id'],
        ResourceAttributes['session.id'], ResourceAttributes['conversation.id'],
        ResourceAttributes['gen_ai.conversation.id'], ResourceAttributes['cursor.conversation.id']]) CODEC(ZSTD(1)),
    UserId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['user.email'], Attributes['user.account_uuid'],
        Attributes['user.account_id'], Attributes['user.id'],
        ResourceAttributes['user.email'], ResourceAttributes['user.account_uuid'],
        ResourceAttributes['user.account_id'], ResourceAttributes['user.id']]) CODEC(ZSTD(1)),
    TeamId LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['team.id'], Attributes['team'],
        ResourceAttributes['team.id'], ResourceAttributes['team']]) CODEC(ZSTD(1)),
    Project LowCardinality(String) DEFAULT arrayFirst(x -> x != '', [
        Attributes['project'], Attributes['project.name'],
        ResourceAttributes['project'], ResourceAttributes['project.name']]) CODEC(ZSTD(1)),
    EventId UInt128 DEFAULT reinterpretAsUInt128(sipHash128(
        TenantId, ServiceName, MetricName, StartTimeUnix, TimeUnix, toString(Attributes))) CODEC(NONE),
    BatchId UUID CODEC(ZSTD(1)),
    IngestedAt DateTime64(3) DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    TimeOutOfRange Bool DEFAULT TimeUnix < IngestedAt - toIntervalDay(366) OR TimeUnix > IngestedAt + toIntervalDay(1) CODEC(ZSTD(1)),
    AttributeTypes LowCardinality(String) CODEC(ZSTD(1)),
    RedactedFields Array(LowCardinality(String)) CODEC(ZSTD(1)),

    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1,
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_ingested_at IngestedAt TYPE minmax GRANULARITY 1,
    INDEX idx_batch BatchId TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(TimeUnix)
ORDER BY (TenantId, MetricName, toStartOfHour(TimeUnix), SessionId, TimeUnix)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 10000;
