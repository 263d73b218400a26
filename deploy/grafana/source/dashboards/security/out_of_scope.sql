/*
title = "Out of scope"
description = "Files outside the session's project; what the project is, is told by the files that the session works on."
type = "table"
width = 12
height = 9
*/
SELECT time, severity, access, path, roots, outcome, session, user
FROM {{out_of_scope}}
