/*
title = "Tools"
description = "Which tools were called, how often they failed, and how long they took."
type = "table"
width = 8
units = { avg_ms = "ms", max_ms = "ms" }
params = { session = "$session", limit = 100000 }
*/
SELECT
    toString(tool) AS tool_name,
    count() AS calls,
    countIf(NOT ifNull(success, false)) AS failed,
    avg(duration_ms) AS avg_ms,
    max(duration_ms) AS max_ms
FROM {{session_timeline}}
WHERE event = 'tool_result'
GROUP BY tool_name
ORDER BY calls DESC, tool_name
