/*
title = "Tool usage over time"
description = "Calls of each tool."
type = "heatmap"
series = "tool"
unit = "short"
width = 24
height = 10
*/
SELECT
    {{hour}} AS time,
    toString(ToolName) AS tool,
    sum(Calls) AS calls
FROM rollup_tool_usage_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY time, tool
ORDER BY time, tool
