/*
title = "Subagents of the busiest sessions"
description = "Calls of the tools Agent and Task in the ten sessions that have most of them."
type = "timeseries"
series = "session"
unit = "short"
width = 8
stack = true
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    SessionId AS session,
    count() AS subagents
FROM otel_logs
WHERE {{scope}}
    AND {{terminal_of_record}}
    AND AgentEvent = 'tool_result'
    AND ToolName IN ('Agent', 'Task')
    AND {{range}}
    AND SessionId IN
    (
        SELECT SessionId
        FROM otel_logs
        WHERE {{scope}}
            AND {{terminal_of_record}}
            AND AgentEvent = 'tool_result'
            AND ToolName IN ('Agent', 'Task')
            AND {{range}}
        GROUP BY SessionId
        ORDER BY count() DESC, SessionId
        LIMIT 10
    )
GROUP BY time, session
ORDER BY time, session
