/*
question = "How long does it take from an event to its being stored?"
filters = ["user", "team", "project", "session", "version"]
tables = ["otel_logs", "otel_traces", "otel_metrics_sum", "otel_metrics_gauge", "otel_metrics_histogram"]
limit = { default = 5000, max = 50000 }
cache = "5s"

[params.bucket]
type = "enum"
values = ["none", "minute", "hour", "day"]
default = "none"
help = "the range as a whole, or each minute, hour or day (UTC) in which events happened"

[columns]
bucket = "start of the minute, hour or day; only when bucket is not none"
signal = "logs, traces or metrics"
rows = "rows stored, of events that happened in the range"
newest_event = "time of the newest event; a span's is its start"
newest_stored = "when the last of these rows was stored"
age_s = "seconds from the newest event to the end of the range"
p50_delay_s = "median seconds from the event to its being stored; a client sends in intervals, and a span when it ends"
p95_delay_s = "95th percentile, within 0.4 %"
p99_delay_s = "99th percentile, within 0.4 %"
max_delay_s = "longest delay in seconds"
ahead = "rows of events that were stored before they happened, by more than a second: a clock that is ahead"
*/
WITH
    quantilesBFloat16(0.5, 0.95, 0.99)(greatest(delay_ms, 0)) AS quantiles
SELECT
-- @when bucket = minute
    toStartOfMinute(toDateTime(at, 'UTC')) AS bucket,
-- @end
-- @when bucket = hour
    toStartOfHour(toDateTime(at, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(toDateTime(at, 'UTC')) AS bucket,
-- @end
    signal,
    count() AS rows,
    toDateTime64(max(at), 3, 'UTC') AS newest_event,
    toTimeZone(max(stored), 'UTC') AS newest_stored,
    dateDiff('millisecond', max(at), {to:DateTime64(9, 'UTC')}) / 1000 AS age_s,
    round(quantiles[1] / 1000, 3) AS p50_delay_s,
    round(quantiles[2] / 1000, 3) AS p95_delay_s,
    round(quantiles[3] / 1000, 3) AS p99_delay_s,
    greatest(max(delay_ms), 0) / 1000 AS max_delay_s,
    countIf(delay_ms < -1000) AS ahead
FROM
(
    SELECT
        'logs' AS signal,
        Timestamp AS at,
        IngestedAt AS stored,
        dateDiff('millisecond', at, stored) AS delay_ms
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    UNION ALL
    SELECT
        'traces' AS signal,
        Timestamp AS at,
        IngestedAt AS stored,
        dateDiff('millisecond', at, stored) AS delay_ms
    FROM otel_traces
    WHERE TenantId = {tenant:String}
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    UNION ALL
    SELECT
        'metrics' AS signal,
        TimeUnix AS at,
        IngestedAt AS stored,
        dateDiff('millisecond', at, stored) AS delay_ms
    FROM otel_metrics_sum
    WHERE TenantId = {tenant:String}
        AND TimeUnix >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(TimeUnix) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND TimeUnix < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(TimeUnix) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    UNION ALL
    SELECT
        'metrics' AS signal,
        TimeUnix AS at,
        IngestedAt AS stored,
        dateDiff('millisecond', at, stored) AS delay_ms
    FROM otel_metrics_gauge
    WHERE TenantId = {tenant:String}
        AND TimeUnix >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(TimeUnix) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND TimeUnix < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(TimeUnix) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    UNION ALL
    SELECT
        'metrics' AS signal,
        TimeUnix AS at,
        IngestedAt AS stored,
        dateDiff('millisecond', at, stored) AS delay_ms
    FROM otel_metrics_histogram
    WHERE TenantId = {tenant:String}
        AND TimeUnix >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(TimeUnix) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND TimeUnix < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(TimeUnix) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
)
GROUP BY ALL
ORDER BY
-- @when bucket = minute, hour, day
    bucket,
-- @end
    signal
LIMIT {limit:UInt32}
