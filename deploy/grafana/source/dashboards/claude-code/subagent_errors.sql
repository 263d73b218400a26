/*
title = "Failed subagents"
description = "Which subagents failed, and with what error, where the client says it."
type = "table"
width = 16
units = { duration_ms = "ms" }
*/
SELECT time, session, user, type, description, error, duration_ms
FROM {{subagent_errors}}
