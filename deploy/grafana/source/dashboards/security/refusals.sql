/*
title = "Refused"
description = "Tool calls that a person, a hook or the settings refused."
type = "stat"
unit = "short"
width = 4
height = 6
*/
SELECT sum(Rejected) AS refused
FROM rollup_tool_usage_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
