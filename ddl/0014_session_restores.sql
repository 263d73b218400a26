-- What a restore of a session is about to insert, and has inserted: so that one that was stopped in the middle of an
-- insert sends the same rows under the same token again, which is what makes the rollups come out right.
CREATE TABLE IF NOT EXISTS session_restores
(
    TenantId LowCardinality(String),
    SessionId String CODEC(ZSTD(1)),
    -- Counts the finished restores of the session, from 1; those under way at the same time have the same one.
    Epoch UInt32,
    -- Names the insert; follows from the session, the epoch and the events, and is empty where the whole is finished.
    Token String CODEC(ZSTD(1)),
    `Table` LowCardinality(String),
    -- The partition, as YYYYMM.
    Month UInt32,
    -- 0 planned, 1 inserted, 2 the restore of this epoch is finished.
    State UInt8,
    -- The rows of a planned insert; later states need them no more.
    EventIds Array(UInt128) CODEC(NONE),
    At DateTime64(3) DEFAULT now64(3) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(State)
ORDER BY (TenantId, SessionId, Epoch, Token)
SETTINGS non_replicated_deduplication_window = 10000;
