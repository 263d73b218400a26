/*
title = "Tool sequences"
description = "Which three tools follow one another within a session, and how often."
type = "table"
width = 8
height = 10
params = { length = 3, limit = 50 }
*/
SELECT sequence, count, sessions FROM {{tool_sequences}}
