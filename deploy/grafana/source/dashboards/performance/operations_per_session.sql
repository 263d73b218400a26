/*
title = "Operations per session"
description = "Mean number of tool calls of a session in the range."
type = "stat"
unit = "short"
width = 6
height = 9
thresholds = [{ color = "red" }, { color = "yellow", from = 10 }, { color = "blue", from = 25 }, { color = "green", from = 50 }]
*/
SELECT count() / nullIf(uniqExact(SessionId), 0) AS operations
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'tool_result'
    AND SessionId != ''
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
