/*
title = "Efficiency from week to week"
description = "Whether people get more done with their agents."
type = "table"
width = 12
units = { tool_success_rate = "percentunit", cost = "currencyUSD", cost_per_prompt = "currencyUSD", hours = "h" }
params = { by = "team" }
*/
SELECT week, name AS team_name, sessions, prompts, tools, tool_success_rate, hours, prompts_per_hour, cost, cost_per_prompt
FROM {{efficiency_trend}}
