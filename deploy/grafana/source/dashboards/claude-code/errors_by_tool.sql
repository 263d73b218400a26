/*
title = "Errors by tool"
description = "Failed calls of each tool."
type = "piechart"
unit = "short"
width = 8
*/
SELECT
    toString(ToolName) AS tool,
    sum(Failed) AS failed
FROM rollup_tool_usage_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY tool
HAVING failed > 0
ORDER BY failed DESC, tool
LIMIT 15
