/*
title = "Errors by type"
description = "Failed tool calls by the error's type, and API errors by status."
type = "timeseries"
series = "error"
unit = "short"
width = 12
stack = true
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    multiIf(
        AgentEvent = 'api_error', concat('API ', if(LogAttributes['status_code'] = '', 'without status', LogAttributes['status_code'])),
        LogAttributes['error_type'] = '', 'tool: no type',
        concat('tool: ', LogAttributes['error_type'])) AS error,
    count() AS errors
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent IN ('tool_result', 'api_error')
    AND (AgentEvent = 'api_error' OR NOT ifNull(Success, false))
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY time, error
ORDER BY time, error
