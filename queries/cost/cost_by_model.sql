/*
question = "What does each model cost, in total or over time?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "one row per model, or per model and hour or day (UTC)"

[prometheus]
values = ["requests", "cost", "cost_list", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "avg_ms"]
labels = ["model"]
only = { bucket = "none" }

[columns]
bucket = "start of the hour or day; only when bucket is not none"
model = "the model, by the one name that all its spellings have"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; null where no price is known"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
cache_read_tokens = "tokens read from the cache"
cache_creation_tokens = "tokens written to the cache"
avg_ms = "mean duration of a request in milliseconds"
priced_requests = "requests on days for which a price of the model was known; cost_list is theirs"
cost_priced = "USD of those requests, as the client reported it; what cost_list compares with"
*/
SELECT
-- @when bucket = hour
    Hour AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(Hour) AS bucket,
-- @end
    Model AS model,
    sum(Requests) AS requests,
    toFloat64(sum(Cost)) AS cost,
    round(sum(CostList), 9) AS cost_list,
    sum(InputTokens) AS input_tokens,
    sum(OutputTokens) AS output_tokens,
    sum(CacheReadTokens) AS cache_read_tokens,
    sum(CacheCreationTokens) AS cache_creation_tokens,
    round(sum(DurationMs) / nullIf(sum(Requests), 0), 3) AS avg_ms,
    sumIf(Requests, CostList IS NOT NULL) AS priced_requests,
    toFloat64(sumIf(Cost, CostList IS NOT NULL)) AS cost_priced
FROM cost_hourly_priced
WHERE TenantId = {tenant:String}
    AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
    AND Hour < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
    AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
GROUP BY
-- @when bucket = hour, day
    bucket,
-- @end
    model
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    cost DESC,
    model
LIMIT {limit:UInt32}
