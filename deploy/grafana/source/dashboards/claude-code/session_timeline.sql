/*
title = "Session timeline"
description = "What the ten latest sessions of the range were doing."
type = "state-timeline"
width = 24
height = 10
*/
SELECT
    toDateTime64(Timestamp, 3, 'UTC') AS time,
    SessionId AS session,
    multiIf(
        AgentEvent = 'tool_result', toString(ToolName),
        AgentEvent = 'api_request', 'model',
        AgentEvent = 'user_prompt', 'prompt',
        toString(AgentEvent)) AS state
FROM otel_logs
WHERE {{scope}}
    AND {{terminal_of_record}}
    AND AgentEvent IN ('user_prompt', 'api_request', 'tool_result', 'api_error')
    AND {{range}}
    AND SessionId IN
    (
        SELECT SessionId
        FROM rollup_sessions
        WHERE {{scope}}
            AND {{terminal}}
            AND Day >= toDate($__fromTime, 'UTC')
            AND Day <= toDate($__toTime, 'UTC')
        GROUP BY SessionId
        HAVING max(End) >= $__fromTime AND min(Start) <= $__toTime
        ORDER BY max(End) DESC, SessionId
        LIMIT 10
    )
ORDER BY time, session, Sequence, EventId
LIMIT 5000
