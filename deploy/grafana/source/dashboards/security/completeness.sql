/*
title = "Completeness"
description = "Events that a client counted and that never arrived; an audit should know of the gaps."
type = "table"
width = 24
units = { completeness = "percentunit" }
*/
SELECT session, user, expected, received, missing, completeness, start, end
FROM {{session_completeness}}
