/*
title = "Tool error rate"
description = "Failed calls of all calls that ran to a result."
type = "gauge"
unit = "percentunit"
min = 0
max = 1
width = 6
height = 5
thresholds = [{ color = "green" }, { color = "yellow", from = 0.05 }, { color = "red", from = 0.15 }]
*/
SELECT sum(Failed) / nullIf(sum(Calls), 0) AS error_rate
FROM rollup_tool_usage_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
