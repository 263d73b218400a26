/*
title = "High activity"
summary = "More than 50 tool calls a minute over 10 minutes."
description = "Nothing is wrong; it is for planning."
severity = "info"
seconds = 600
for = "5m"
when = "above"
limit = 50
*/
SELECT count() / 10 AS per_minute
FROM otel_logs
WHERE AgentEvent = 'tool_result'
    AND {{range}}
