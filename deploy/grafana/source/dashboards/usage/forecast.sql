/*
title = "Requests to come"
description = "The coming 30 days, going by the trend and the weekdays of the range; with what 95 % of such days stay within."
type = "table"
width = 12
height = 9
units = { requests = "short", low = "short", high = "short" }
*/
SELECT day, value AS requests, low, high
FROM {{usage_forecast}}
