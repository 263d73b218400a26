/*
question = "Which API errors occur, by status, in total or over time?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "10s"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "one row per status, or per status and hour or day (UTC)"

[prometheus]
values = ["errors", "requests", "error_rate", "sessions", "users"]
labels = ["status"]
only = { bucket = "none" }

[columns]
bucket = "start of the hour or day; only when bucket is not none"
status = "HTTP status; none where the connection failed before one was given"
errors = "failed requests"
total_errors = "failed requests of all statuses, in the same bucket"
share = "errors / total_errors, 0 to 1"
requests = "requests answered or failed, in the same bucket"
error_rate = "errors / requests, 0 to 1"
sessions = "sessions that met the error"
users = "users who met the error"
models = "models that were asked"
max_attempt = "highest number of attempts before the client gave up"
avg_ms = "mean time until the failure in milliseconds"
first_seen = "time of the first one"
last_seen = "time of the last one"
example = "the latest error text"
*/
SELECT
-- @when bucket = hour, day
    failed.bucket AS bucket,
-- @end
    status,
    errors,
    sum(errors) OVER (PARTITION BY failed.bucket) AS total_errors,
    errors / total_errors AS share,
    total_errors + answered.requests AS requests,
    errors / requests AS error_rate,
    sessions,
    users,
    models,
    max_attempt,
    avg_ms,
    first_seen,
    last_seen,
    example
FROM
(
    SELECT
-- @when bucket = none
        toDateTime(0, 'UTC') AS bucket,
-- @end
-- @when bucket = hour
        toStartOfHour(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
        toStartOfDay(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
        if(LogAttributes['status_code'] = '', 'none', LogAttributes['status_code']) AS status,
        count() AS errors,
        uniqExactIf(SessionId, SessionId != '') AS sessions,
        uniqExactIf(UserId, UserId != '') AS users,
        arraySort(groupUniqArrayIf(toString(Model), Model != '')) AS models,
        max(toUInt64OrZero(LogAttributes['attempt'])) AS max_attempt,
        round(avg(DurationMs), 3) AS avg_ms,
        toDateTime64(min(Timestamp), 3, 'UTC') AS first_seen,
        toDateTime64(max(Timestamp), 3, 'UTC') AS last_seen,
        argMax(substringUTF8(LogAttributes['error'], 1, 500), (Timestamp, Sequence, SessionId)) AS example
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent = 'api_error'
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    GROUP BY
        bucket,
        status
) AS failed
LEFT JOIN
(
    SELECT
-- @when bucket = none
        toDateTime(0, 'UTC') AS bucket,
-- @end
-- @when bucket = hour
        toStartOfHour(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
        toStartOfDay(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
        count() AS requests
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent = 'api_request'
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    GROUP BY bucket
) AS answered ON answered.bucket = failed.bucket
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    errors DESC,
    status
LIMIT {limit:UInt32}
