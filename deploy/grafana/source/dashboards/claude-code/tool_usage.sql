/*
title = "Tool usage"
description = "Calls that ran to a result."
type = "barchart"
unit = "short"
width = 8
height = 10
*/
SELECT
    toString(ToolName) AS tool,
    sum(Calls) AS calls
FROM rollup_tool_usage_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY tool
HAVING calls > 0
ORDER BY calls DESC, tool
LIMIT 20
