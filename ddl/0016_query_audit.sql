-- Who asked what of whose data, from where, and what came of it: a row for each query that was asked for, each session
-- that was read, and each time that a limit turned somebody away. The gateway's user for this may add rows and do
-- nothing else; nothing here is ever changed. A row goes when its own ExpiresAt says so, so that how long it is kept
-- was decided when it was written, and needs no right to alter the table.
CREATE TABLE IF NOT EXISTS query_audit
(
    -- Whose data was asked for, by who asked.
    TenantId LowCardinality(String),
    -- When it was asked, by the gateway's clock.
    Time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    -- The request's id: in its answer, in the log, and the query's id in ClickHouse's own query log.
    RequestId UUID CODEC(ZSTD(1)),
    -- query, replay, export, object, sql (the door for BI tools), live, request (turned away before it was known what for), or
    -- lost: so many entries, in Entries, could not be kept.
    Kind LowCardinality(String),
    -- The query's name; empty for what is no query.
    Query LowCardinality(String),
    -- The session that was read; empty for what reads none.
    SessionId String CODEC(ZSTD(1)),
    -- What was bound, as JSON by name, cut where it is long; of SQL of the caller's own, the text under sql.
    Parameters String CODEC(ZSTD(3)),
    -- json, csv and so on; empty where none was asked for.
    Format LowCardinality(String),
    -- On whose account: a key's id, a token's subject, a host.
    Account LowCardinality(String),
    -- What the account is called by people; empty where it has no name.
    AccountName LowCardinality(String),
    -- viewer, team, analyst or admin; empty where there are no roles.
    Role LowCardinality(String),
    -- The address it came from; empty where it came from the process itself.
    Address LowCardinality(String),
    -- ok, refused, failed, or abandoned by its client.
    Outcome LowCardinality(String),
    -- Of a refusal, the limit: requests, concurrent, waiting, rows, bytes, time, memory, result …; of a failure, the kind of
    -- problem.
    Reason LowCardinality(String),
    -- The answer's HTTP status; what went wrong after the answer had begun leaves it at 200.
    Status UInt16,
    -- hit, miss, stale or shared; empty where nothing is cached.
    Cache LowCardinality(String),
    -- What ClickHouse read; of a query that did not end by itself, what it was last seen to have read.
    RowsRead UInt64 CODEC(T64, ZSTD(1)),
    BytesRead UInt64 CODEC(T64, ZSTD(1)),
    -- What was answered: rows where they are known, and bytes before compression.
    ResultRows UInt64 CODEC(T64, ZSTD(1)),
    ResultBytes UInt64 CODEC(T64, ZSTD(1)),
    -- From the request to the answer's last byte, and how much of it was spent waiting for a place.
    DurationMs UInt64 CODEC(T64, ZSTD(1)),
    WaitMs UInt64 CODEC(T64, ZSTD(1)),
    -- What this row stands for: 1, and more where a refusal was repeated, or entries were lost.
    Entries UInt64 DEFAULT 1 CODEC(T64, ZSTD(1)),
    ExpiresAt DateTime('UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(Time)
ORDER BY (TenantId, Time, RequestId)
TTL ExpiresAt
SETTINGS non_replicated_deduplication_window = 1000;
