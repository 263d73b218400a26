/*
title = "Events"
description = "Everything in order, the first 5,000."
type = "table"
width = 24
height = 14
units = { duration_ms = "ms", cost = "currencyUSD", input_tokens = "short", output_tokens = "short" }
params = { session = "$session", limit = 5000 }
*/
SELECT time, event, tool, model, success, duration_ms, cost, input_tokens, output_tokens, summary
FROM {{session_timeline}}
