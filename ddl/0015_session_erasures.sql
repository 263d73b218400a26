-- Which sessions were erased, or are being erased. A row stays for ever: what arrives later of such a session is erased again,
-- it is not archived, and it is not restored.
CREATE TABLE IF NOT EXISTS session_erasures
(
    TenantId LowCardinality(String),
    SessionId String CODEC(ZSTD(1)),
    -- Counts from 1; what arrives while a round goes on, or after it, is the next round's.
    Round UInt32,
    -- 0 begun, 1 the rows are chosen, 2 the rollups are without them, 3 nothing of the session is left.
    Step UInt8,
    At DateTime64(3) DEFAULT now64(3) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(Step)
ORDER BY (TenantId, SessionId, Round)
SETTINGS non_replicated_deduplication_window = 10000;

-- The log records that a round takes out of the rollups and then deletes; emptied when it is done.
CREATE TABLE IF NOT EXISTS session_erasure_events
(
    TenantId LowCardinality(String),
    SessionId String CODEC(ZSTD(1)),
    Round UInt32,
    EventId UInt128 CODEC(NONE)
)
ENGINE = MergeTree
ORDER BY (TenantId, SessionId, Round)
SETTINGS non_replicated_deduplication_window = 10000;
