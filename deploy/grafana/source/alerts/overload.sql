/*
title = "Many operations"
summary = "More than 100 tool calls a minute over 10 minutes."
description = "Right for a small team; for a large one set it to what your busiest hour has (the dashboard Performance and workflow, throughput)."
severity = "critical"
seconds = 600
for = "5m"
when = "above"
limit = 100
*/
SELECT count() / 10 AS per_minute
FROM otel_logs
WHERE AgentEvent = 'tool_result'
    AND {{range}}
