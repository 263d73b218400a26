/*
title = "Elevated error rate"
summary = "More than 5 % of operations failed over 10 minutes: tool calls and API requests together."
description = "Look at the dashboard Performance and workflow, errors by type. Fewer than 20 operations are not judged."
severity = "warning"
seconds = 600
for = "10m"
when = "above"
limit = 0.05
*/
SELECT countIf(AgentEvent = 'api_error' OR Success = false) / count() AS error_rate
FROM otel_logs
WHERE AgentEvent IN ('tool_result', 'api_request', 'api_error')
    AND {{range}}
HAVING count() >= 20
