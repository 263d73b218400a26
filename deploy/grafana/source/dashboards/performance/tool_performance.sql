/*
title = "Tool performance"
description = "Mean duration of each tool's calls."
type = "timeseries"
series = "tool"
unit = "ms"
width = 12
height = 10
thresholds = [{ color = "green" }, { color = "yellow", from = 200 }, { color = "red", from = 500 }]
smooth = true
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    toString(ToolName) AS tool,
    avg(DurationMs) AS avg_ms
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'tool_result'
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY time, tool
ORDER BY time, tool
