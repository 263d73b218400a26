/*
title = "Errors by tool and hour of the day"
description = "At which hours (UTC) each tool fails."
type = "table"
width = 8
*/
SELECT
    toString(ToolName) AS tool,
    toHour(Hour, 'UTC') AS hour,
    sum(Failed) AS failed
FROM tool_usage_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY tool, hour
HAVING failed > 0
ORDER BY failed DESC, tool, hour
LIMIT 200
