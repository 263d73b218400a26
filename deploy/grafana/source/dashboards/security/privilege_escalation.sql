/*
title = "Privilege escalation"
description = "Where rights were gained or granted."
type = "table"
width = 12
height = 9
*/
SELECT time, severity, rule, command, outcome, session, user
FROM {{privilege_escalation}}
