/*
title = "Most in a session"
description = "The most subagents that one session called."
type = "stat"
unit = "short"
width = 4
*/
SELECT max(calls) AS subagents
FROM
(
    SELECT count() AS calls
    FROM otel_logs
    WHERE {{scope}}
        AND {{terminal_of_record}}
        AND AgentEvent = 'tool_result'
        AND ToolName IN ('Agent', 'Task')
        AND {{range}}
    GROUP BY SessionId
)
