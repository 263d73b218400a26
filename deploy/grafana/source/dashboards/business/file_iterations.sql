/*
title = "Files changed again and again"
description = "Files that one session changed several times."
type = "table"
width = 12
units = { minutes = "m" }
*/
SELECT session, user, project, file AS path, changes, failed, minutes FROM {{file_iterations}}
