/*
question = "How long do models take to begin their answers?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["otel_logs", "otel_traces"]
limit = { default = 5000, max = 50000 }
cache = "60s"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "the range as a whole, or each hour or day (UTC)"

# Older clients say it in the span alone, which has the request's id and begins before the event.
[columns]
bucket = "start of the hour or day; only when bucket is not none"
model = "the model, by the one name that all its spellings have"
requests = "API requests that were answered"
measured = "requests that say when their first token came, in the event or in their span; the others are left out of what follows"
avg_ms = "mean milliseconds to the first token"
p50_ms = "median, within 0.4 %"
p95_ms = "95th percentile, within 0.4 %"
p99_ms = "99th percentile, within 0.4 %"
share_of_duration = "milliseconds to the first token / milliseconds to the last, 0 to 1"
output_tokens_per_s = "tokens generated for each second after the first token"
*/
WITH
    toUInt64(greatest(round(toFloat64OrZero(first_token)), 0)) AS first_ms,
    quantilesBFloat16If(0.5, 0.95, 0.99)(first_ms, first_token != '') AS quantiles
SELECT
-- @when bucket = hour
    toStartOfHour(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(toDateTime(Timestamp, 'UTC')) AS bucket,
-- @end
    Model AS model,
    count() AS requests,
    countIf(first_token != '') AS measured,
    round(sum(first_ms) / nullIf(measured, 0), 3) AS avg_ms,
    if(measured = 0, NULL, round(quantiles[1], 1)) AS p50_ms,
    if(measured = 0, NULL, round(quantiles[2], 1)) AS p95_ms,
    if(measured = 0, NULL, round(quantiles[3], 1)) AS p99_ms,
    sum(least(first_ms, DurationMs)) / nullIf(sumIf(DurationMs, first_token != ''), 0) AS share_of_duration,
    round(
        sumIf(OutputTokens, first_token != '') * 1000
            / nullIf(sumIf(greatest(DurationMs, first_ms) - first_ms, first_token != ''), 0),
        3) AS output_tokens_per_s
FROM
(
    SELECT
        Timestamp,
        Model,
        DurationMs,
        OutputTokens,
        if(LogAttributes['ttft_ms'] != '', LogAttributes['ttft_ms'], spans.first_token) AS first_token
    FROM otel_logs
    LEFT JOIN
    (
        SELECT
            SpanAttributes['request_id'] AS request,
            any(SpanAttributes['ttft_ms']) AS first_token
        FROM otel_traces
        WHERE TenantId = {tenant:String}
            AND SpanName = 'claude_code.llm_request'
            AND Timestamp >= {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
            AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1) - toIntervalHour(1)
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
            AND SpanAttributes['ttft_ms'] != ''
            AND request IN
            (
                SELECT LogAttributes['request_id']
                FROM otel_logs
                WHERE TenantId = {tenant:String}
                    AND AgentEvent = 'api_request'
                    AND Timestamp >= {from:DateTime64(9, 'UTC')}
                    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                    AND Timestamp < {to:DateTime64(9, 'UTC')}
                    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
                    AND LogAttributes['ttft_ms'] = ''
                    AND LogAttributes['request_id'] != ''
            )
        GROUP BY request
    ) AS spans ON spans.request = otel_logs.LogAttributes['request_id']
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
)
GROUP BY ALL
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    requests DESC,
    model
LIMIT {limit:UInt32}
