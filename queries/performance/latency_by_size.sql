/*
question = "How does the size of a request bear on the time it takes?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "60s"

[params.by]
type = "enum"
values = ["input", "context", "output"]
default = "input"
help = "size by the tokens sent without cached ones, by all tokens sent, or by the tokens generated"

[columns]
model = "the model, by the one name that all its spellings have"
size = "class of the size in tokens"
size_from = "lower bound of the class, to sort by"
requests = "API requests that were answered"
avg_ms = "mean duration in milliseconds"
p50_ms = "median duration in milliseconds, within 0.4 %"
p95_ms = "95th percentile, within 0.4 %"
p99_ms = "99th percentile, within 0.4 %"
avg_output_tokens = "mean of the tokens generated"
ms_per_output_token = "milliseconds for each token generated; null where none was"
*/
WITH
    quantilesBFloat16(0.5, 0.95, 0.99)(DurationMs) AS quantiles,
-- @when by = input
    InputTokens AS tokens,
    [0, 501, 1501, 3001] AS bounds,
    ['up to 500', '501 to 1,500', '1,501 to 3,000', 'over 3,000'] AS names
-- @end
-- @when by = context
    InputTokens + CacheReadTokens + CacheCreationTokens AS tokens,
    [0, 3001, 20001, 50001, 100001, 200001] AS bounds,
    ['up to 3,000', '3,001 to 20,000', '20,001 to 50,000', '50,001 to 100,000', '100,001 to 200,000', 'over 200,000'] AS names
-- @end
-- @when by = output
    OutputTokens AS tokens,
    [0, 101, 501, 1001, 4001] AS bounds,
    ['up to 100', '101 to 500', '501 to 1,000', '1,001 to 4,000', 'over 4,000'] AS names
-- @end
SELECT
    Model AS model,
    names[indexOf(bounds, size_from)] AS size,
    arrayLast(bound -> tokens >= bound, bounds) AS size_from,
    count() AS requests,
    round(avg(DurationMs), 3) AS avg_ms,
    round(quantiles[1], 1) AS p50_ms,
    round(quantiles[2], 1) AS p95_ms,
    round(quantiles[3], 1) AS p99_ms,
    round(avg(OutputTokens), 3) AS avg_output_tokens,
    round(sum(DurationMs) / nullIf(sum(OutputTokens), 0), 6) AS ms_per_output_token
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
    model,
    size_from
ORDER BY
    model,
    size_from
LIMIT {limit:UInt32}
