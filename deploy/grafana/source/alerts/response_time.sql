/*
title = "Tools are slow"
summary = "Tool calls took more than 300 ms in the mean over 10 minutes."
description = "Look at the dashboard Performance and workflow, tool performance. Shell commands take as long as they take, so they, subagents, and tools that wait for a person or the network are left out."
severity = "warning"
seconds = 600
for = "10m"
when = "above"
limit = 300
*/
SELECT avg(DurationMs) AS avg_ms
FROM otel_logs
WHERE AgentEvent = 'tool_result'
    AND ToolName NOT IN ('Agent', 'Task', 'AskUserQuestion', 'ExitPlanMode', 'Bash', 'WebFetch', 'WebSearch')
    AND {{range}}
