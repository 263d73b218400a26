/*
question = "How do small and large requests compare in number, duration and cost?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["otel_logs", "model_prices"]
cache = "60s"

[columns]
size = "small up to 500 input tokens, medium up to 1,500, large up to 3,000, xlarge above; cached tokens are not counted"
requests = "API requests that were answered"
total_requests = "requests of all sizes"
share = "requests / total_requests, 0 to 1"
avg_ms = "mean duration in milliseconds"
p95_ms = "95th percentile of the duration in milliseconds, within 0.4 %"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; models without a known price are left out, null if that is all of them"
avg_cost = "USD, mean of a request, as reported"
output_tokens = "tokens generated"
cost_per_1k_output_tokens = "USD: cost / output_tokens * 1000"
rating = "by avg_ms * avg_cost, the sizes compared with one another: highest is the cheapest and fastest, then high, medium, low"
*/
SELECT
    size,
    sum(c.requests) AS requests,
    sum(requests) OVER () AS total_requests,
    requests / total_requests AS share,
    round(sum(c.total_ms) / requests, 3) AS avg_ms,
    round(quantileBFloat16Merge(0.95)(c.p95_state), 1) AS p95_ms,
    toFloat64(sum(c.cost)) AS cost,
    round(sum(
        if(p.Model = '', NULL,
            ((c.InputTokens * p.Input + c.CacheReadTokens * p.CacheRead + c.CacheCreationTokens * p.CacheCreation
                + c.CacheCreation1hTokens * (p.CacheCreation1h - p.CacheCreation))
                * if(c.LongContext, p.LongInputFactor, 1)
            + c.OutputTokens * p.Output * if(c.LongContext, p.LongOutputFactor, 1))
            * if(c.Speed = 'fast', p.FastFactor, 1) / 1e6)
    ), 9) AS cost_list,
    cost / requests AS avg_cost,
    sum(c.OutputTokens) AS output_tokens,
    cost / nullIf(output_tokens, 0) * 1000 AS cost_per_1k_output_tokens,
    ['highest', 'high', 'medium', 'low'][row_number() OVER (ORDER BY avg_ms * avg_cost, size)] AS rating
FROM
(
    SELECT
        multiIf(otel_logs.InputTokens <= 500, 'small', otel_logs.InputTokens <= 1500, 'medium', otel_logs.InputTokens <= 3000, 'large', 'xlarge') AS size,
        Model,
        toDate(Timestamp, 'UTC') AS Day,
        LogAttributes['speed'] AS Speed,
        otel_logs.InputTokens + otel_logs.CacheReadTokens + otel_logs.CacheCreationTokens > 200000 AS LongContext,
        count() AS requests,
        sum(DurationMs) AS total_ms,
        quantileBFloat16State(0.95)(DurationMs) AS p95_state,
        sum(Cost) AS cost,
        sum(otel_logs.InputTokens) AS InputTokens,
        sum(otel_logs.OutputTokens) AS OutputTokens,
        sum(otel_logs.CacheReadTokens) AS CacheReadTokens,
        sum(otel_logs.CacheCreationTokens) AS CacheCreationTokens,
        sum(otel_logs.CacheCreation1hTokens) AS CacheCreation1hTokens
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
    GROUP BY
        size,
        Model,
        Day,
        Speed,
        LongContext
) AS c
ASOF LEFT JOIN
(
    SELECT
        Model,
        ValidFrom,
        toFloat64(Input) AS Input,
        toFloat64(Output) AS Output,
        toFloat64(CacheRead) AS CacheRead,
        toFloat64(CacheCreation) AS CacheCreation,
        toFloat64(CacheCreation1h) AS CacheCreation1h,
        toFloat64(LongInputFactor) AS LongInputFactor,
        toFloat64(LongOutputFactor) AS LongOutputFactor,
        toFloat64(FastFactor) AS FastFactor
    FROM model_prices FINAL
) AS p ON p.Model = c.Model AND c.Day >= p.ValidFrom
GROUP BY size
ORDER BY indexOf(['small', 'medium', 'large', 'xlarge'], size)
