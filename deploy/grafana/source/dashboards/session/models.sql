/*
title = "Models"
description = "What each model was asked, and what that cost."
type = "table"
width = 8
units = { cost = "currencyUSD", avg_ms = "ms", input_tokens = "short", output_tokens = "short", cache_read_tokens = "short" }
params = { session = "$session", limit = 100000 }
*/
SELECT
    toString(model) AS model_name,
    count() AS requests,
    sum(ifNull(cost, 0)) AS cost,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    avg(duration_ms) AS avg_ms
FROM {{session_timeline}}
WHERE event = 'api_request'
GROUP BY model_name
ORDER BY 3 DESC, model_name
