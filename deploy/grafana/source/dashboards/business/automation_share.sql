/*
title = "Shell commands"
description = "Share of all tool calls that are shell commands."
type = "gauge"
unit = "percentunit"
min = 0
max = 1
width = 4
height = 5
*/
SELECT sumIf(Calls, ToolName = 'Bash') / nullIf(sum(Calls), 0) AS share
FROM rollup_tool_usage_hourly
WHERE {{scope}}
    AND {{hours}}
