/*
title = "Very high error rate"
summary = "More than 10 % of operations failed over 5 minutes: tool calls and API requests together."
description = "Look at the dashboard Performance and workflow, errors by type. Fewer than 20 operations are not judged."
severity = "critical"
seconds = 300
for = "5m"
when = "above"
limit = 0.1
*/
SELECT countIf(AgentEvent = 'api_error' OR Success = false) / count() AS error_rate
FROM otel_logs
WHERE AgentEvent IN ('tool_result', 'api_request', 'api_error')
    AND {{range}}
HAVING count() >= 20
