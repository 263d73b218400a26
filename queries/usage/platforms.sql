/*
question = "Which terminals and editors are used, and how much?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
limit = { default = 100, max = 10000 }
cache = "60s"

[columns]
terminal = "the terminal or editor; empty where the client did not detect one"
requests = "API requests that were answered"
total_requests = "requests of all terminals that pass the filters"
share = "requests / total_requests, 0 to 1"
users = "users with at least one request"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
all_tokens = "input, output, cache read and cache creation together"
avg_input_tokens = "input_tokens / requests"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; models without a known price are left out, null if that is all of them"
avg_cost = "cost / requests"
avg_ms = "mean duration of a request in milliseconds"
*/
SELECT
    Terminal AS terminal,
    sum(Requests) AS requests,
    sum(requests) OVER () AS total_requests,
    requests / nullIf(total_requests, 0) AS share,
    uniqExactIf(UserId, UserId != '') AS users,
    sum(InputTokens) AS input_tokens,
    sum(OutputTokens) AS output_tokens,
    input_tokens + output_tokens + sum(CacheReadTokens) + sum(CacheCreationTokens) AS all_tokens,
    round(input_tokens / nullIf(requests, 0), 3) AS avg_input_tokens,
    toFloat64(sum(Cost)) AS cost,
    round(sum(CostList), 9) AS cost_list,
    cost / nullIf(requests, 0) AS avg_cost,
    round(sum(DurationMs) / nullIf(requests, 0), 3) AS avg_ms
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
GROUP BY terminal
ORDER BY
    requests DESC,
    terminal
LIMIT {limit:UInt32}
