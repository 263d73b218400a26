/*
title = "Response time of tools"
description = "Percentiles of the duration of each tool's calls, slowest first."
type = "barchart"
unit = "ms"
width = 12
height = 9
*/
SELECT tool, p50_ms AS p50, p95_ms AS p95, p99_ms AS p99
FROM {{tool_success}}
ORDER BY p95 DESC, tool
LIMIT 15
