/*
title = "Error rate"
description = "Share of tool calls that failed, and of API requests that failed for good."
type = "timeseries"
unit = "percentunit"
min = 0
width = 12
thresholds = [{ color = "green" }, { color = "red", from = 0.15 }]
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    countIf(AgentEvent = 'tool_result' AND NOT ifNull(Success, false)) / nullIf(countIf(AgentEvent = 'tool_result'), 0) AS tools,
    countIf(AgentEvent = 'api_error') / nullIf(countIf(AgentEvent IN ('api_request', 'api_error')), 0) AS API
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent IN ('tool_result', 'api_request', 'api_error')
    AND {{range}}
GROUP BY time
ORDER BY time
