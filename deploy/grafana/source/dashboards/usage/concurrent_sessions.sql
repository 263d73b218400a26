/*
title = "Sessions at once"
description = "How many sessions run at the same time."
type = "timeseries"
unit = "short"
width = 12
params = { step_minutes = 15, limit = 10000 }
*/
SELECT time, sessions FROM {{concurrent_sessions}} ORDER BY time
