/*
title = "Subagents fail"
summary = "More than 5 subagents failed within 10 minutes."
description = "Look at the dashboard Claude Code, failed subagents."
severity = "warning"
seconds = 600
for = "1m"
when = "above"
limit = 5
*/
SELECT countIf(NOT ifNull(Success, false)) AS failed
FROM otel_logs
WHERE AgentEvent = 'tool_result'
    AND ToolName IN ('Agent', 'Task')
    AND {{range}}
