/*
title = "High tool error rate"
summary = "More than 15 % of tool calls failed within the last 5 minutes."
description = "Look at the dashboard Claude Code, errors by tool and errors that are the same. Fewer than 20 calls are not judged."
severity = "warning"
seconds = 300
for = "2m"
when = "above"
limit = 0.15
*/
SELECT countIf(NOT ifNull(Success, false)) / count() AS error_rate
FROM otel_logs
WHERE AgentEvent = 'tool_result'
    AND {{range}}
HAVING count() >= 20
