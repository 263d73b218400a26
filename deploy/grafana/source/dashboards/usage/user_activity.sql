/*
title = "People"
description = "Who uses the agents, how often and how much."
type = "table"
width = 24
height = 9
units = { avg_session_s = "s", cost = "currencyUSD" }
*/
SELECT user, sessions, active_days, first_seen, last_seen, avg_session_s, prompts, requests, cost, tools, tool_errors, api_errors
FROM {{user_activity}}
