/*
title = "Refused over time"
description = "Tool calls that were refused, by who refused them."
type = "timeseries"
series = "by"
unit = "short"
width = 6
height = 6
stack = true
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    LogAttributes['source'] AS by,
    count() AS refused
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'tool_decision'
    AND LogAttributes['decision'] = 'reject'
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY time, by
ORDER BY time, by
