/*
title = "Figures"
description = "Of the whole session, whatever the range."
type = "stat"
unit = "short"
width = 24
height = 5
units = { cost = "currencyUSD", duration_s = "s", cache_hit_rate = "percentunit", tool_success_rate = "percentunit", avg_request_ms = "ms" }
params = { session = "$session" }
*/
SELECT
    cost,
    duration_s,
    prompts,
    requests,
    avg_request_ms,
    cache_hit_rate,
    tools,
    tool_success_rate,
    subagents,
    rejected,
    compactions,
    api_errors
FROM {{session_summary}}
