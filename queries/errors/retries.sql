/*
question = "How many attempts do API requests take, and how many are given up after each?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["otel_logs", "otel_traces"]
limit = { default = 1000, max = 50000 }
cache = "10s"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "one row per number of attempts, or per number and hour or day (UTC)"

[params.min_attempt]
type = "uint"
default = 1
min = 1
max = 1000
help = "2 leaves out what needed no retry"

# What was given up comes from events. The attempts of requests that were answered are only in spans.
[columns]
bucket = "start of the hour or day; only when bucket is not none"
attempt = "the number of attempts"
answered = "requests answered at this attempt; 0 where the client sends no spans"
failed = "requests given up after this attempt"
requests = "answered and failed together"
share = "requests / requests of all attempts shown, 0 to 1, in the same bucket"
sessions = "sessions with such a request"
models = "models that were asked"
*/
SELECT
-- @when bucket = hour, day
    bucket,
-- @end
    attempt,
    countIf(answer) AS answered,
    countIf(NOT answer) AS failed,
    count() AS requests,
-- @when bucket = none
    requests / sum(requests) OVER () AS share,
-- @end
-- @when bucket = hour, day
    requests / sum(requests) OVER (PARTITION BY bucket) AS share,
-- @end
    uniqExactIf(SessionId, SessionId != '') AS sessions,
    arraySort(groupUniqArrayIf(toString(Model), Model != '')) AS models
FROM
(
    SELECT
-- @when bucket = hour
        toStartOfHour(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
        toStartOfDay(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
        greatest(toUInt64OrZero(LogAttributes['attempt']), 1) AS attempt,
        false AS answer,
        SessionId,
        Model
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
    UNION ALL
    SELECT
-- @when bucket = hour
        toStartOfHour(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
        toStartOfDay(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
        greatest(toUInt64OrZero(SpanAttributes['attempt']), 1) AS attempt,
        true AS answer,
        SessionId,
        Model
    FROM otel_traces
    WHERE TenantId = {tenant:String}
        AND SpanName = 'claude_code.llm_request'
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND SpanAttributes['success'] = 'true'
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR SpanAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
)
WHERE attempt >= {min_attempt:UInt64}
GROUP BY
-- @when bucket = hour, day
    bucket,
-- @end
    attempt
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    attempt
LIMIT {limit:UInt32}
