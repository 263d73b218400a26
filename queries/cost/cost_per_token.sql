/*
question = "What does a token cost with each model, in and out, and how fast does the model answer?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
limit = { default = 1000, max = 10000 }
cache = "10s"

[columns]
model = "the model, by the one name that all its spellings have"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; null where no price is known"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
all_tokens = "input, output, cache read and cache creation together"
cost_per_input_token = "USD: cost / input_tokens, which charges the whole cost to the tokens sent"
cost_per_output_token = "USD: cost / output_tokens, which charges the whole cost to the tokens generated"
cost_per_million_tokens = "USD: cost / all_tokens * 1,000,000"
avg_cost = "USD, mean of a request"
avg_ms = "mean duration of a request in milliseconds"
output_tokens_per_s = "tokens generated for each second of waiting"
*/
SELECT
    Model AS model,
    sum(Requests) AS requests,
    toFloat64(sum(Cost)) AS cost,
    round(sum(CostList), 9) AS cost_list,
    sum(InputTokens) AS input_tokens,
    sum(OutputTokens) AS output_tokens,
    input_tokens + output_tokens + sum(CacheReadTokens) + sum(CacheCreationTokens) AS all_tokens,
    cost / nullIf(input_tokens, 0) AS cost_per_input_token,
    cost / nullIf(output_tokens, 0) AS cost_per_output_token,
    cost / nullIf(all_tokens, 0) * 1e6 AS cost_per_million_tokens,
    cost / nullIf(requests, 0) AS avg_cost,
    round(sum(DurationMs) / nullIf(requests, 0), 3) AS avg_ms,
    round(output_tokens * 1000 / nullIf(sum(DurationMs), 0), 3) AS output_tokens_per_s
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
GROUP BY model
ORDER BY
    cost DESC,
    model
LIMIT {limit:UInt32}
