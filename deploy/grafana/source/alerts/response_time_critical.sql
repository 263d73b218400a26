/*
title = "Tools are very slow"
summary = "Tool calls took more than 500 ms in the mean over 5 minutes."
description = "Look at the dashboard Performance and workflow, tool performance. Shell commands take as long as they take, so they, subagents, and tools that wait for a person or the network are left out."
severity = "critical"
seconds = 300
for = "5m"
when = "above"
limit = 500
*/
SELECT avg(DurationMs) AS avg_ms
FROM otel_logs
WHERE AgentEvent = 'tool_result'
    AND ToolName NOT IN ('Agent', 'Task', 'AskUserQuestion', 'ExitPlanMode', 'Bash', 'WebFetch', 'WebSearch')
    AND {{range}}
