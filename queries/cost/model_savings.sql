/*
question = "Which requests would a cheaper model of the family likely have served, and what would that save?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["otel_logs", "model_prices"]
limit = { default = 1000, max = 10000 }
cache = "300s"

[params.to_tier]
type = "enum"
values = ["next", "cheapest"]
default = "next"
help = "next: from Opus to Sonnet and from Sonnet to Haiku; cheapest: to Haiku"

[params.max_output_tokens]
type = "uint"
default = 500
min = 1
max = 100000
help = "requests that generated more are taken to need their model"

[params.max_input_tokens]
type = "uint"
default = 50000
min = 1
max = 200000
help = "requests that were sent more, cached tokens included, are taken to need their model"

# A request is a candidate if it is small by both bounds and asked for no tool that changes, runs or delegates anything.
[columns]
model = "the model, by the one name that all its spellings have"
cheaper_model = "the newest model of the cheaper tier in the price list; empty where there is none"
requests = "API requests that were answered"
candidates = "requests that the cheaper model would likely have served"
candidate_share = "candidates / requests, 0 to 1"
cost = "USD of the candidates, as the client reported it"
cost_list = "USD of the candidates at the list prices of the range's end; null where no price is known"
cost_cheaper = "USD of the candidates at the cheaper model's list prices, with the same cache hits; null without a cheaper model"
saving = "USD: cost_list - cost_cheaper, not below 0; null where either is"
saving_share = "saving / cost_list, 0 to 1"
*/
WITH
    prices AS
    (
        SELECT
            Model AS key,
            ValidFrom,
            extract(Model, '(opus|sonnet|haiku)') AS tier,
            -- The newest is the one with the highest version: a price may hold from before its model was there.
            arrayMap(part -> toUInt32OrZero(part), extractAll(Model, '[0-9]+')) AS version,
            toFloat64(Input) AS input,
            toFloat64(Output) AS output,
            toFloat64(CacheRead) AS cache_read,
            toFloat64(CacheCreation) AS cache_creation,
            toFloat64(CacheCreation1h) - cache_creation AS cache_creation_1h_more,
            toFloat64(FastFactor) AS fast
        FROM model_prices FINAL
        WHERE ValidFrom < {to:DateTime64(9, 'UTC')}
    ),
    small AS
    (
        SELECT
            Model,
            extract(Model, '(opus|sonnet|haiku)') AS tier,
            LogAttributes['speed'] AS speed,
            InputTokens + CacheReadTokens + CacheCreationTokens <= {max_input_tokens:UInt64}
                AND OutputTokens <= {max_output_tokens:UInt64}
                AND (LogAttributes['request_id'] = '' OR LogAttributes['request_id'] NOT IN
                (
                    SELECT LogAttributes['request_id']
                    FROM otel_logs
                    WHERE TenantId = {tenant:String}
                        AND AgentEvent = 'tool_decision'
                        AND Timestamp >= {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1) - toIntervalHour(1)
                        AND Timestamp < {to:DateTime64(9, 'UTC')} + toIntervalHour(1)
                        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')} + toIntervalHour(1)
                        AND ToolName NOT IN ('Read', 'Glob', 'Grep', 'LS', 'NotebookRead', 'TodoWrite', 'TodoRead', 'WebFetch', 'WebSearch')
                )) AS candidate,
            count() AS requests,
            sum(Cost) AS cost,
            sum(InputTokens) AS input_tokens,
            sum(OutputTokens) AS output_tokens,
            sum(CacheReadTokens) AS cache_read_tokens,
            sum(CacheCreationTokens) AS cache_creation_tokens,
            sum(CacheCreation1hTokens) AS cache_creation_1h_tokens
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
            Model,
            tier,
            speed,
            candidate
    )
SELECT
    small.Model AS model,
    any(cheaper.key) AS cheaper_model,
    sum(small.requests) AS requests,
    sumIf(small.requests, candidate) AS candidates,
    candidates / requests AS candidate_share,
    toFloat64(sumIf(small.cost, candidate)) AS cost,
    round(sumIf(
        if(
            own.key = '',
            NULL,
            (input_tokens * own.input + output_tokens * own.output
                + cache_read_tokens * own.cache_read + cache_creation_tokens * own.cache_creation
                + cache_creation_1h_tokens * own.cache_creation_1h_more)
                * if(speed = 'fast', own.fast, 1) / 1e6),
        candidate), 9) AS cost_list,
    round(sumIf(
        if(
            cheaper.key = '',
            NULL,
            (input_tokens * cheaper.input + output_tokens * cheaper.output
                + cache_read_tokens * cheaper.cache_read + cache_creation_tokens * cheaper.cache_creation
                + cache_creation_1h_tokens * cheaper.cache_creation_1h_more) / 1e6),
        candidate), 9) AS cost_cheaper,
    if(cost_list IS NULL OR cost_cheaper IS NULL, NULL, greatest(cost_list - cost_cheaper, 0)) AS saving,
    saving / nullIf(cost_list, 0) AS saving_share
FROM small
LEFT JOIN
(
    SELECT
        key,
        argMax(input, ValidFrom) AS input,
        argMax(output, ValidFrom) AS output,
        argMax(cache_read, ValidFrom) AS cache_read,
        argMax(cache_creation, ValidFrom) AS cache_creation,
        argMax(cache_creation_1h_more, ValidFrom) AS cache_creation_1h_more,
        argMax(fast, ValidFrom) AS fast
    FROM prices
    GROUP BY key
) AS own ON own.key = small.Model
LEFT JOIN
(
-- @when to_tier = next
    SELECT
        transform(tier, ['sonnet', 'haiku'], ['opus', 'sonnet'], '') AS from_tier,
-- @end
-- @when to_tier = cheapest
    SELECT
        arrayJoin(if(tier = 'haiku', ['opus', 'sonnet'], [])) AS from_tier,
-- @end
        argMax(prices.key, (version, ValidFrom, prices.key)) AS key,
        argMax(prices.input, (version, ValidFrom, prices.key)) AS input,
        argMax(prices.output, (version, ValidFrom, prices.key)) AS output,
        argMax(prices.cache_read, (version, ValidFrom, prices.key)) AS cache_read,
        argMax(prices.cache_creation, (version, ValidFrom, prices.key)) AS cache_creation,
        argMax(prices.cache_creation_1h_more, (version, ValidFrom, prices.key)) AS cache_creation_1h_more
    FROM prices
    WHERE from_tier != ''
    GROUP BY from_tier
) AS cheaper ON cheaper.from_tier = small.tier
GROUP BY model
ORDER BY
    saving DESC NULLS LAST,
    requests DESC,
    model
LIMIT {limit:UInt32}
