/*
title = "Peak hours"
description = "At which hours (UTC) of which weekdays most is done; 1 is Monday."
type = "table"
width = 6
units = { share = "percentunit", cost = "currencyUSD" }
*/
SELECT weekday, hour, requests, share, cost FROM {{peak_hours}} ORDER BY requests DESC
