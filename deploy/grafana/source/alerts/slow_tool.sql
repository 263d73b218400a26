/*
title = "Slow tool"
summary = "Calls of a tool take more than 30 s in the mean."
description = "Look at the dashboard Claude Code, tool success. Subagents, and tools that wait for a person, are left out."
severity = "warning"
seconds = 900
for = "5m"
when = "above"
limit = 30000
*/
SELECT toString(ToolName) AS tool, avg(DurationMs) AS avg_ms
FROM otel_logs
WHERE AgentEvent = 'tool_result'
    AND ToolName NOT IN ('Agent', 'Task', 'AskUserQuestion', 'ExitPlanMode')
    AND {{range}}
GROUP BY tool
