/*
title = "Whose it is"
description = "A session's link opens its replay."
type = "table"
width = 24
height = 4
params = { session = "$session" }
*/
SELECT session, user, team, project, terminal, version, start, end, arrayStringConcat(models, ', ') AS model_names, archived
FROM {{session_summary}}
