/*
title = "Errors over time"
description = "Failed tool calls, and API requests that failed for good."
type = "timeseries"
unit = "short"
width = 16
stack = true
colors = { "tools" = "orange", "API" = "red" }
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    countIf(AgentEvent = 'tool_result') AS tools,
    countIf(AgentEvent = 'api_error') AS API
FROM otel_logs
WHERE {{scope}}
    AND {{terminal_of_record}}
    AND AgentEvent IN ('tool_result', 'api_error')
    AND (AgentEvent = 'api_error' OR NOT ifNull(Success, false))
    AND {{range}}
    AND $__conditionalAll(AgentEvent = 'api_error' OR ToolName IN (${tool:singlequote}), $tool)
GROUP BY time
ORDER BY time
