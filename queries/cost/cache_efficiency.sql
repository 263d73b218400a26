/*
question = "How much of what is sent comes from the cache, by model and over time?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.by]
type = "enum"
values = ["none", "model"]
default = "model"
help = "one row in all, or one per model"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "the range as a whole, or each hour or day (UTC)"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
name = "the model, by the one name that all its spellings have; only when by is model"
requests = "API requests that were answered"
input_tokens = "tokens sent, cached ones not included"
cache_read_tokens = "tokens read from the cache"
cache_creation_tokens = "tokens written to the cache"
all_input_tokens = "input, cache read and cache creation together"
cache_hit_rate = "cache_read_tokens / all_input_tokens, 0 to 1"
read_share = "cache_read_tokens / (input_tokens + cache_read_tokens), 0 to 1; leaves out what was written"
reads_per_write = "cache_read_tokens / cache_creation_tokens: how often what was written is read"
rating = "by read_share: good from 0.8, fair from 0.5, else poor; null without tokens"
*/
SELECT
-- @when bucket = hour
    Hour AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(Hour) AS bucket,
-- @end
-- @when by = model
    Model AS name,
-- @end
    sum(Requests) AS requests,
    sum(InputTokens) AS input_tokens,
    sum(CacheReadTokens) AS cache_read_tokens,
    sum(CacheCreationTokens) AS cache_creation_tokens,
    input_tokens + cache_read_tokens + cache_creation_tokens AS all_input_tokens,
    cache_read_tokens / nullIf(all_input_tokens, 0) AS cache_hit_rate,
    cache_read_tokens / nullIf(input_tokens + cache_read_tokens, 0) AS read_share,
    cache_read_tokens / nullIf(cache_creation_tokens, 0) AS reads_per_write,
    multiIf(read_share IS NULL, NULL, read_share >= 0.8, 'good', read_share >= 0.5, 'fair', 'poor') AS rating
FROM cost_hourly
WHERE TenantId = {tenant:String}
    AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
    AND Hour < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
    AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
GROUP BY ALL
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    all_input_tokens DESC,
-- @when by = model
    name,
-- @end
    requests
LIMIT {limit:UInt32}
