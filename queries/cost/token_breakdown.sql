/*
question = "How many tokens went in, came out and passed through the cache, over time?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "hour"
help = "one row in all, or one per hour or day (UTC)"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
requests = "API requests that were answered"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
cache_read_tokens = "tokens read from the cache"
cache_creation_tokens = "tokens written to the cache"
total_tokens = "the four kinds together"
cache_creation_5m_tokens = "of cache_creation_tokens, those that the client says are kept for five minutes"
cache_creation_1h_tokens = "of cache_creation_tokens, those that are kept for an hour, at a higher price; what is neither is priced as five minutes"
*/
SELECT
-- @when bucket = hour
    Hour AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(Hour) AS bucket,
-- @end
    sum(Requests) AS requests,
    sum(InputTokens) AS input_tokens,
    sum(OutputTokens) AS output_tokens,
    sum(CacheReadTokens) AS cache_read_tokens,
    sum(CacheCreationTokens) AS cache_creation_tokens,
    input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens AS total_tokens,
    sum(CacheCreation5mTokens) AS cache_creation_5m_tokens,
    sum(CacheCreation1hTokens) AS cache_creation_1h_tokens
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
-- @when bucket = hour, day
GROUP BY bucket
ORDER BY bucket
-- @end
LIMIT {limit:UInt32}
