/*
title = "File operations"
description = "Files read, written and edited."
type = "timeseries"
series = "tool"
unit = "short"
width = 12
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    toString(ToolName) AS tool,
    count() AS calls
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'tool_result'
    AND ToolName IN ('Read', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit')
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY time, tool
ORDER BY time, tool
