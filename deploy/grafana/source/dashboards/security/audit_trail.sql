/*
title = "Audit trail"
description = "Who did what, in order."
type = "table"
width = 24
height = 12
params = { limit = 500 }
*/
SELECT time, user, event, action, tool, target, by, outcome, error, session, team, project
FROM {{audit_trail}}
