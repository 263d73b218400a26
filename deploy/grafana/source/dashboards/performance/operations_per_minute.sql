/*
title = "Operations a minute"
description = "Tool calls that ran to a result, over the whole range."
type = "stat"
unit = "opm"
width = 6
height = 5
thresholds = [{ color = "green" }, { color = "yellow", from = 50 }, { color = "red", from = 100 }]
*/
SELECT count() / greatest(dateDiff('second', $__fromTime, $__toTime), 1) * 60 AS per_minute
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'tool_result'
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
