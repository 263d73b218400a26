/*
title = "Errors by tool and hour of the day"
description = "How many calls of each tool failed at each hour of the day (UTC)."
type = "table"
width = 24
heat = true
*/
SELECT
    toString(ToolName) AS tool,
    sumIf(Failed, toHour(Hour, 'UTC') = 0) AS `00`,
    sumIf(Failed, toHour(Hour, 'UTC') = 1) AS `01`,
    sumIf(Failed, toHour(Hour, 'UTC') = 2) AS `02`,
    sumIf(Failed, toHour(Hour, 'UTC') = 3) AS `03`,
    sumIf(Failed, toHour(Hour, 'UTC') = 4) AS `04`,
    sumIf(Failed, toHour(Hour, 'UTC') = 5) AS `05`,
    sumIf(Failed, toHour(Hour, 'UTC') = 6) AS `06`,
    sumIf(Failed, toHour(Hour, 'UTC') = 7) AS `07`,
    sumIf(Failed, toHour(Hour, 'UTC') = 8) AS `08`,
    sumIf(Failed, toHour(Hour, 'UTC') = 9) AS `09`,
    sumIf(Failed, toHour(Hour, 'UTC') = 10) AS `10`,
    sumIf(Failed, toHour(Hour, 'UTC') = 11) AS `11`,
    sumIf(Failed, toHour(Hour, 'UTC') = 12) AS `12`,
    sumIf(Failed, toHour(Hour, 'UTC') = 13) AS `13`,
    sumIf(Failed, toHour(Hour, 'UTC') = 14) AS `14`,
    sumIf(Failed, toHour(Hour, 'UTC') = 15) AS `15`,
    sumIf(Failed, toHour(Hour, 'UTC') = 16) AS `16`,
    sumIf(Failed, toHour(Hour, 'UTC') = 17) AS `17`,
    sumIf(Failed, toHour(Hour, 'UTC') = 18) AS `18`,
    sumIf(Failed, toHour(Hour, 'UTC') = 19) AS `19`,
    sumIf(Failed, toHour(Hour, 'UTC') = 20) AS `20`,
    sumIf(Failed, toHour(Hour, 'UTC') = 21) AS `21`,
    sumIf(Failed, toHour(Hour, 'UTC') = 22) AS `22`,
    sumIf(Failed, toHour(Hour, 'UTC') = 23) AS `23`
FROM rollup_tool_usage_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY tool
HAVING sum(Failed) > 0
ORDER BY sum(Failed) DESC, tool
LIMIT 30
