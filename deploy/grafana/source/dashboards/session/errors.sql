/*
title = "Errors"
description = "Failed tool calls, and API requests that failed for good."
type = "table"
width = 8
params = { session = "$session", limit = 100000 }
*/
SELECT time, event, tool, summary
FROM {{session_timeline}}
WHERE (event = 'tool_result' AND NOT ifNull(success, false)) OR event IN ('api_error', 'internal_error')
ORDER BY time
