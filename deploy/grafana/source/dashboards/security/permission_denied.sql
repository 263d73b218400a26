/*
title = "Permission denied"
description = "What was refused by a person or the settings, or denied by the system."
type = "table"
width = 12
height = 9
*/
SELECT time, kind, tool, by, target, error, session, user
FROM {{permission_denied}}
