-- Which sessions were archived, where, and what the object holds. The newest row of a session counts.
CREATE TABLE IF NOT EXISTS session_archives
(
    TenantId LowCardinality(String),
    SessionId String CODEC(ZSTD(1)),
    ArchivedAt DateTime64(3) CODEC(ZSTD(1)),
    Key String CODEC(ZSTD(1)),
    FormatVersion UInt32,
    Logs UInt64,
    Spans UInt64,
    MetricPoints UInt64,
    FirstTime DateTime64(9),
    LastTime DateTime64(9),
    -- The newest IngestedAt among the archived rows; rows stored later make the session due again.
    IngestedUpTo DateTime64(3),
    Bytes UInt64,
    CompressedBytes UInt64,
    -- SHA-256 of the uncompressed lines, in hex.
    Sha256 String CODEC(ZSTD(1)),
    INDEX idx_session SessionId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ArchivedAt)
ORDER BY (TenantId, SessionId)
SETTINGS non_replicated_deduplication_window = 10000;
