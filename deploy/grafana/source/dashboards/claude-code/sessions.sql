/*
title = "Sessions"
description = "Who ran which session, what it cost and did. A session's link opens its replay."
type = "table"
width = 24
height = 10
units = { duration_s = "s", cost = "currencyUSD", input_tokens = "short", output_tokens = "short" }
*/
SELECT session, user, team, project, start, duration_s, cost, input_tokens, output_tokens, tools, tool_errors, api_errors
FROM {{sessions}}
