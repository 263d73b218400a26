/*
title = "Error rate"
description = "Failed operations of all: tool calls and API requests."
type = "stat"
unit = "percentunit"
width = 6
height = 5
thresholds = [{ color = "green" }, { color = "yellow", from = 0.05 }, { color = "red", from = 0.1 }]
*/
SELECT countIf(AgentEvent = 'api_error' OR Success = false) / nullIf(count(), 0) AS error_rate
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent IN ('tool_result', 'api_request', 'api_error')
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
