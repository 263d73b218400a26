/*
title = "Most used tools"
description = "Calls that ran to a result."
type = "barchart"
unit = "short"
width = 10
height = 9
*/
SELECT
    toString(ToolName) AS tool,
    count() AS calls
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'tool_result'
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY tool
ORDER BY calls DESC, tool
LIMIT 10
