/*
title = "Mean duration of a tool call"
description = "Tools that wait for a person or run a subagent are left out."
type = "stat"
unit = "ms"
width = 6
height = 5
thresholds = [{ color = "green" }, { color = "blue", from = 100 }, { color = "yellow", from = 300 }, { color = "red", from = 500 }]
*/
SELECT avg(DurationMs) AS avg_ms
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'tool_result'
    AND ToolName NOT IN ('Agent', 'Task', 'AskUserQuestion', 'ExitPlanMode')
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
