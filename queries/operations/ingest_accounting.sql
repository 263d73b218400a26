/*
question = "How many records came, what became of them, and are those that were stored in the tables?"
filters = []
tables = ["ingest_accounting", "otel_logs", "otel_traces", "otel_metrics_sum", "otel_metrics_gauge", "otel_metrics_histogram", "otel_metrics_exponential_histogram", "otel_metrics_summary"]
limit = { default = 5000, max = 50000 }
cache = "5s"

[params.bucket]
type = "enum"
values = ["none", "minute", "hour", "day"]
default = "none"
help = "the range as a whole, or each minute, hour or day (UTC) in which records came"

[prometheus]
values = ["received", "stored", "in_wal", "duplicate", "rejected", "refused", "dropped", "quarantined", "surplus", "rows", "missing"]
labels = ["tenant", "signal"]
only = { bucket = "none" }

# The range is one of arrival, in whole minutes; a record's end counts in the minute it came in, however late it is.
# Received = stored + in_wal + duplicate + rejected + refused + quarantined + dropped - surplus.
[columns]
bucket = "start of the minute, hour or day; only when bucket is not none"
tenant = "whose records they are"
signal = "logs, traces or metrics"
received = "records in requests that could be read"
stored = "records that ClickHouse has confirmed"
in_wal = "records without an end: on their way, and on disk since they were acknowledged"
duplicate = "records that had come before, and were acknowledged again"
rejected = "records left out of a request that was otherwise taken"
reason = "rejected by reason"
refused = "records whose senders were told that they are not kept"
dropped = "records that ClickHouse refused and somebody gave up"
quarantined = "records that ClickHouse refused; they are kept aside"
surplus = "ends of records that no process says to have received: it died before it could; 0 if all is well"
rows = "rows of these minutes that are in the tables; what others than Granary wrote is not counted"
missing = "stored - rows: 0 if all is well, below 0 while what was stored is not counted yet"
processes = "lives of receiving processes that counted"
*/
WITH
    -- What was quarantined has ended; what became of it later moves it on.
    sumIf(records, outcome NOT IN ('received', 'row', 'released', 'dropped')) AS ended,
    sumIf(records, outcome = 'released') AS released
SELECT
-- @when bucket = minute
    minute AS bucket,
-- @end
-- @when bucket = hour
    toStartOfHour(minute) AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(minute) AS bucket,
-- @end
    {tenant:String} AS tenant,
    signals AS signal,
    sumIf(records, outcome = 'received') AS received,
    sumIf(records, outcome = 'stored') + released AS stored,
    toUInt64(greatest(toInt64(received) - toInt64(ended), 0)) AS in_wal,
    sumIf(records, outcome = 'duplicate') AS duplicate,
    sumIf(records, startsWith(outcome, 'rejected_')) AS rejected,
    mapSort(sumMapIf(map(replaceOne(outcome, 'rejected_', ''), records), startsWith(outcome, 'rejected_'))) AS reason,
    sumIf(records, outcome = 'refused') AS refused,
    sumIf(records, outcome = 'dropped') AS dropped,
    toUInt64(greatest(toInt64(sumIf(records, outcome = 'quarantined')) - toInt64(released) - toInt64(dropped), 0)) AS quarantined,
    toUInt64(greatest(toInt64(ended) - toInt64(received), 0)) AS surplus,
    sumIf(records, outcome = 'row') AS rows,
    toInt64(stored) - toInt64(rows) AS missing,
    uniqExactIf(process, outcome NOT IN ('row', 'released', 'dropped')) AS processes
FROM
(
    SELECT
        Minute AS minute,
        Signal AS signals,
        toString(Outcome) AS outcome,
        Process AS process,
        sum(Records) AS records
    FROM ingest_accounting
    WHERE TenantId = {tenant:String}
        AND Minute >= toStartOfMinute({from:DateTime64(9, 'UTC')})
        AND Minute < {to:DateTime64(9, 'UTC')}
    GROUP BY ALL
    UNION ALL
    SELECT
        toStartOfMinute(toDateTime(IngestedAt, 'UTC')) AS minute,
        signals,
        'row' AS outcome,
        toUUID('00000000-0000-0000-0000-000000000000') AS process,
        count() AS records
    FROM
    (
        SELECT 'logs' AS signals, TenantId, IngestedAt, BatchId FROM otel_logs
        UNION ALL
        SELECT 'traces' AS signals, TenantId, IngestedAt, BatchId FROM otel_traces
        UNION ALL
        SELECT 'metrics' AS signals, TenantId, IngestedAt, BatchId FROM otel_metrics_sum
        UNION ALL
        SELECT 'metrics' AS signals, TenantId, IngestedAt, BatchId FROM otel_metrics_gauge
        UNION ALL
        SELECT 'metrics' AS signals, TenantId, IngestedAt, BatchId FROM otel_metrics_histogram
        UNION ALL
        SELECT 'metrics' AS signals, TenantId, IngestedAt, BatchId FROM otel_metrics_exponential_histogram
        UNION ALL
        SELECT 'metrics' AS signals, TenantId, IngestedAt, BatchId FROM otel_metrics_summary
    )
    WHERE TenantId = {tenant:String}
        AND IngestedAt >= toStartOfMinute({from:DateTime64(9, 'UTC')})
        AND IngestedAt < {to:DateTime64(9, 'UTC')} + toIntervalMinute(1)
        AND minute < {to:DateTime64(9, 'UTC')}
        AND BatchId != process
    GROUP BY minute, signals
)
GROUP BY ALL
ORDER BY
-- @when bucket = minute, hour, day
    bucket,
-- @end
    signal
LIMIT {limit:UInt32}
