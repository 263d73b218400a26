/*
title = "Dangerous commands"
description = "Commands that delete, overwrite or open up what they should not, run or tried."
type = "table"
width = 24
height = 9
*/
SELECT time, severity, rule, command, elevated, outcome, session, user, project
FROM {{dangerous_commands}}
