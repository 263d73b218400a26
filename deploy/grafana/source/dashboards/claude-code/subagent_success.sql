/*
title = "Subagent success"
description = "Calls that succeeded, of those that ran to a result."
type = "bargauge"
unit = "percentunit"
min = 0
max = 1
width = 6
thresholds = [{ color = "red" }, { color = "yellow", from = 0.7 }, { color = "green", from = 0.9 }]
*/
SELECT type, success_rate FROM {{subagent_success}} WHERE calls > 0
