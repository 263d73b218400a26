/*
title = "Policy violations"
description = "What was done or tried that a policy would object to, and how bad it is."
type = "table"
width = 24
height = 10
*/
SELECT time, severity, category, rule, subject, tool, outcome, session, user, team, project
FROM {{compliance_violations}}
