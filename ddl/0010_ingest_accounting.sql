-- How many records came and what became of them, by the receiving process's own count; `ingest_accounting` of the
-- named queries holds it against the tables. A process adds what it has counted since it last did, so a minute has
-- several rows until they merge.
CREATE TABLE IF NOT EXISTS ingest_accounting
(
    TenantId LowCardinality(String),
    -- When the records came, which is the minute of their IngestedAt: their ends, however late, count in it too.
    Minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    -- logs, traces or metrics.
    Signal LowCardinality(String),
    -- received, or an end: stored, duplicate, refused, quarantined, rejected_<reason>; of what was quarantined, later:
    -- released, dropped.
    Outcome LowCardinality(String),
    -- One life of one process; made when it starts.
    Process UUID CODEC(ZSTD(1)),
    Records SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Minute)
ORDER BY (TenantId, Minute, Signal, Outcome, Process)
SETTINGS non_replicated_deduplication_window = 10000;
