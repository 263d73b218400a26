/*
title = "Throughput"
description = "Tool calls a minute."
type = "timeseries"
series = "tool"
unit = "opm"
width = 12
height = 10
stack = true
smooth = true
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    toString(ToolName) AS tool,
    count() * 60 / $__interval_s AS per_minute
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'tool_result'
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY time, tool
ORDER BY time, tool
