-- Who is archiving which session right now, so that several archivers share the work. A claim is a row; it holds until
-- the latest `Until` of its rows, by the server's clock, or until a row of it says that it was given up. How
-- this excludes others without a compare-and-set is told in granary-archive, lease.rs.
CREATE TABLE IF NOT EXISTS archive_leases
(
    TenantId LowCardinality(String),
    SessionId String CODEC(ZSTD(1)),
    -- Made anew for each batch of sessions that an archiver takes.
    Claim UUID CODEC(ZSTD(1)),
    Until DateTime64(3) CODEC(ZSTD(1)),
    GivenUp Bool
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(Until)
ORDER BY (TenantId, SessionId, Claim)
TTL toDateTime(Until) + toIntervalDay(2)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
