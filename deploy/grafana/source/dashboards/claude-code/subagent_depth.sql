/*
title = "Nested subagents"
description = "How deeply subagents call one another, told from spans: sessions whose client sends none are missing."
type = "table"
width = 8
*/
SELECT session, user, subagents, max_depth
FROM {{subagent_depth}}
