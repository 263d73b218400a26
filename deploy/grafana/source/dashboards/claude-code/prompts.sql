/*
title = "Prompts"
description = "When prompts were given, and how long they were."
type = "table"
width = 10
height = 12
*/
SELECT
    toDateTime64(Timestamp, 3, 'UTC') AS time,
    SessionId AS session,
    UserId AS user,
    toUInt64OrZero(LogAttributes['prompt_length']) AS characters
FROM otel_logs
WHERE {{scope}}
    AND {{terminal_of_record}}
    AND AgentEvent = 'user_prompt'
    AND {{range}}
ORDER BY Timestamp DESC, SessionId
LIMIT 200
