/*
title = "Tool duration"
description = "Mean duration of each tool's calls."
type = "heatmap"
series = "tool"
unit = "ms"
width = 12
height = 9
*/
SELECT
    {{hour}} AS time,
    toString(ToolName) AS tool,
    sum(DurationMs) / sum(Calls) AS avg_ms
FROM rollup_tool_usage_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
    AND Calls > 0
GROUP BY time, tool
ORDER BY time, tool
