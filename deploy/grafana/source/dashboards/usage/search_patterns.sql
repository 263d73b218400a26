/*
title = "Searches"
description = "What Grep and Glob look for; only where clients send the details of tools."
type = "table"
width = 12
units = { avg_ms = "ms", share = "percentunit" }
*/
SELECT tool, pattern, count, share, failed, avg_ms, sessions, users FROM {{search_patterns}}
