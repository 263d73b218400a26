/*
title = "One tool does nearly everything"
summary = "One tool makes up more than 80 % of the calls of the last hour."
description = "Look at the dashboard Usage, tools. Fewer than 50 calls are not judged."
severity = "info"
seconds = 3600
for = "15m"
when = "above"
limit = 0.8
*/
SELECT tool, calls / sum(calls) OVER () AS share
FROM
(
    SELECT toString(ToolName) AS tool, count() AS calls
    FROM otel_logs
    WHERE AgentEvent = 'tool_result'
        AND {{range}}
    GROUP BY tool
)
QUALIFY sum(calls) OVER () >= 50
ORDER BY share DESC
LIMIT 10
