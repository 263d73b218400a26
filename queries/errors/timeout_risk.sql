/*
question = "Do large requests fail or time out more often, model by model?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "60s"

# A failed request does not say how large it was: its size is what its error says of it, or else that of the answered request
# before it in the same session.
[columns]
model = "the model, by the one name that all its spellings have"
size = "class of the tokens sent, cached ones included; unknown where no request came before"
size_from = "lower bound of the class, to sort by; null where it is unknown"
requests = "requests answered or failed"
failed = "requests that failed for good"
failure_rate = "failed / requests, 0 to 1"
timeouts = "failed requests whose error speaks of a time-out, an abort or an overload"
timeout_rate = "timeouts / requests, 0 to 1"
avg_ms = "mean duration of an answered request in milliseconds"
p95_ms = "95th percentile of the duration of an answered request in milliseconds, within 0.4 %"
risk = "by failure_rate: low up to 0.01, medium up to 0.05, else high"
*/
WITH
    [0, 501, 1501, 3001, 20001, 50001, 100001, 200001] AS bounds,
    [
        'up to 500', '501 to 1,500', '1,501 to 3,000', '3,001 to 20,000',
        '20,001 to 50,000', '50,001 to 100,000', '100,001 to 200,000', 'over 200,000'
    ] AS names
SELECT
    model,
    if(size_from IS NULL, 'unknown', names[indexOf(bounds, assumeNotNull(size_from))]) AS size,
    if(tokens IS NULL, NULL, arrayLast(bound -> assumeNotNull(tokens) >= bound, bounds)) AS size_from,
    count() AS requests,
    countIf(failure) AS failed,
    failed / requests AS failure_rate,
    countIf(failure AND match(error, '(?i)time[d-]* ?-?out|abort|overloaded|ETIMEDOUT|ECONNRESET|\\b(?:408|504|524|529)\\b')) AS timeouts,
    timeouts / requests AS timeout_rate,
    round(sumIf(duration_ms, NOT failure) / nullIf(countIf(NOT failure), 0), 3) AS avg_ms,
    if(requests = failed, NULL, round(quantileBFloat16If(0.95)(duration_ms, NOT failure), 1)) AS p95_ms,
    multiIf(failure_rate <= 0.01, 'low', failure_rate <= 0.05, 'medium', 'high') AS risk
FROM
(
    SELECT
        model,
        failure,
        duration_ms,
        error,
        anyLast(sent) OVER (
            PARTITION BY SessionId ORDER BY Timestamp, Sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS sent_before,
        coalesce(sent, toUInt64OrNull(extract(error, '(\\d+) tokens >')), sent_before) AS tokens
    FROM
    (
        SELECT
            SessionId,
            Timestamp,
            Sequence,
            Model AS model,
            false AS failure,
            DurationMs AS duration_ms,
            '' AS error,
            CAST(InputTokens + CacheReadTokens + CacheCreationTokens, 'Nullable(UInt64)') AS sent
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
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
        UNION ALL
        SELECT
            SessionId,
            Timestamp,
            Sequence,
            Model AS model,
            true AS failure,
            DurationMs AS duration_ms,
            concat(LogAttributes['status_code'], ' ', substringUTF8(LogAttributes['error'], 1, 1000)) AS error,
            NULL AS sent
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
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    )
)
WHERE empty({model:Array(String)}) OR model IN {model:Array(String)}
GROUP BY
    model,
    size_from
ORDER BY
    model,
    size_from NULLS LAST
LIMIT {limit:UInt32}
