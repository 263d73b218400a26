/*
title = "Failed subagents"
description = "Which subagents failed, and with what error, where the client says it."
type = "table"
width = 24
*/
SELECT * FROM {{subagent_errors}}
