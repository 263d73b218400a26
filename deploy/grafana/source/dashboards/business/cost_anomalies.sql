/*
title = "Sessions far above the others"
description = "Sessions that cost far more than the others, and by how much."
type = "table"
width = 12
units = { cost = "currencyUSD", mean = "currencyUSD" }
*/
SELECT session, user, cost, mean, ratio, score, reason FROM {{cost_anomalies}}
