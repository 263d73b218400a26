/*
title = "Success rate"
description = "Of each tool's calls."
type = "bargauge"
unit = "percentunit"
min = 0
max = 1
width = 8
height = 10
thresholds = [{ color = "red" }, { color = "yellow", from = 0.85 }, { color = "green", from = 0.95 }]
*/
SELECT tool, success_rate FROM {{tool_success}} ORDER BY success_rate, tool
