-- What was stored, and when: a row for each insert into otel_logs and each tenant in it. Whoever follows the events as they
-- are stored (`/v1/live`) looks here first, so that looking costs next to nothing, whatever otel_logs holds.
--
-- StoredAt is the server's clock when the insert began, and so one clock for all receiving processes; IngestedAt is theirs, and
-- hours older where events waited in a log. A row can be there a moment before the rows that it tells of.
CREATE TABLE IF NOT EXISTS stored_inserts
(
    StoredAt DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    TenantId LowCardinality(String),
    -- Tells inserts of the same moment apart: the lower half of the least EventId.
    Key UInt64 CODEC(NONE),
    Rows UInt64,
    -- Where they are: times of the events, times of their reception, batches.
    FirstTime DateTime64(9, 'UTC'),
    LastTime DateTime64(9, 'UTC'),
    FirstReceived DateTime64(3, 'UTC'),
    LastReceived DateTime64(3, 'UTC'),
    Batches Array(UUID) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(StoredAt)
ORDER BY (StoredAt, TenantId, Key)
-- Who was away for longer than that has more to catch up with than a live feed is for.
TTL toDateTime(StoredAt, 'UTC') + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS stored_inserts_mv TO stored_inserts AS
SELECT
    now64(3, 'UTC') AS StoredAt,
    TenantId,
    reinterpretAsUInt64(min(EventId)) AS Key,
    count() AS Rows,
    min(Timestamp) AS FirstTime,
    max(Timestamp) AS LastTime,
    min(IngestedAt) AS FirstReceived,
    max(IngestedAt) AS LastReceived,
    groupUniqArray(BatchId) AS Batches
FROM otel_logs
GROUP BY TenantId;
