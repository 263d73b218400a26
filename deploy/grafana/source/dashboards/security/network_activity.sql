/*
title = "Network activity"
description = "What was done on the network, with whom, and whether it sends something out."
type = "table"
width = 24
height = 9
*/
SELECT time, severity, kind, program, host, reach, sends, command, outcome, session, user
FROM {{network_activity}}
