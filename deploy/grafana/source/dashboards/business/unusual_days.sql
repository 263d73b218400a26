/*
title = "Unusual days"
description = "Days on which somebody spent far more than in the four weeks before; whole days, and only where there is enough to compare with."
type = "table"
width = 12
units = { cost = "currencyUSD", mean = "currencyUSD", median = "currencyUSD" }
params = { min_days = 3 }
*/
SELECT day, name AS user_name, cost, mean, median, ratio, reason
FROM {{cost_anomalies_daily}}
