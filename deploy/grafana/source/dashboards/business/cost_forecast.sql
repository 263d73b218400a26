/*
title = "Cost forecast"
description = "The coming 30 days, going by the trend and the weekdays of the range; with what 95 % of such days stay within."
type = "table"
width = 12
units = { low = "currencyUSD", high = "currencyUSD", cost = "currencyUSD" }
*/
SELECT day, cost, low, high FROM {{cost_forecast}}
