/*
title = "Against a monthly plan"
description = "What each person's usage cost by the token, against 200 US dollars for 30 days, pro rata: above 1 the plan is the cheaper one."
type = "table"
width = 12
units = { cost = "currencyUSD", plan_cost = "currencyUSD", saved = "currencyUSD", value = "short" }
params = { price = 200, limit = 200 }
*/
SELECT name AS user_name, cost, plan_cost, value, saved
FROM {{plan_value}}
