/*
title = "Mean duration"
description = "Of each tool's calls."
type = "barchart"
unit = "ms"
width = 8
height = 10
*/
SELECT tool, avg_ms FROM {{tool_success}} ORDER BY avg_ms DESC, tool
