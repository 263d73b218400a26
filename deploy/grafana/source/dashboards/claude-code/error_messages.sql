/*
title = "Errors that are the same"
description = "Errors with numbers, paths and ids taken out, and how often each occurred; the code where the client sends no text."
type = "table"
width = 24
height = 9
params = { limit = 20 }
*/
SELECT
    message,
    event,
    count,
    sessions,
    arrayStringConcat(tools, ', ') AS tools,
    first_seen,
    last_seen,
    example_session AS session
FROM {{error_messages}}
