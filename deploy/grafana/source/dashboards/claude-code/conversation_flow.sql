/*
title = "Conversation flow"
description = "What follows upon what in the sessions of the range: prompts, requests to the model, tools, subagents."
type = "nodeGraph"
width = 14
height = 12
*/
SELECT
    step AS id,
    step AS title,
    count() AS mainStat
FROM
(
    SELECT multiIf(AgentEvent = 'tool_result', toString(ToolName), toString(AgentEvent)) AS step
    FROM otel_logs
    WHERE {{scope}}
        AND {{terminal_of_record}}
        AND AgentEvent IN ('user_prompt', 'api_request', 'tool_result', 'subagent_completed')
        AND SessionId != ''
        AND {{range}}
)
GROUP BY step
ORDER BY mainStat DESC, id
-- @next
SELECT
    concat(source, ' → ', target) AS id,
    source,
    target,
    count() AS mainStat
FROM
(
    SELECT
        multiIf(AgentEvent = 'tool_result', toString(ToolName), toString(AgentEvent)) AS target,
        lagInFrame(target, 1, '') OVER
            (PARTITION BY SessionId ORDER BY Timestamp, Sequence, EventId ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS source
    FROM otel_logs
    WHERE {{scope}}
        AND {{terminal_of_record}}
        AND AgentEvent IN ('user_prompt', 'api_request', 'tool_result', 'subagent_completed')
        AND SessionId != ''
        AND {{range}}
)
WHERE source != ''
GROUP BY source, target
ORDER BY mainStat DESC, id
