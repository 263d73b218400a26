/*
title = "Tasks completed"
description = "Of those that agents set themselves; only where clients send the details of tools."
type = "gauge"
unit = "percentunit"
min = 0
max = 1
width = 4
height = 5
thresholds = [{ color = "red" }, { color = "yellow", from = 0.5 }, { color = "green", from = 0.8 }]
params = { by = "none" }
*/
SELECT completion_rate FROM {{task_completion}}
