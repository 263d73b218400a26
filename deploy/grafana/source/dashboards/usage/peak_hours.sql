/*
title = "Peak hours"
description = "Requests at each hour (UTC) of each weekday; 1 is Monday."
type = "table"
width = 24
height = 9
heat = true
*/
SELECT
    toString(weekday) AS weekday,
    sumIf(requests, hour = 0) AS `00`,
    sumIf(requests, hour = 1) AS `01`,
    sumIf(requests, hour = 2) AS `02`,
    sumIf(requests, hour = 3) AS `03`,
    sumIf(requests, hour = 4) AS `04`,
    sumIf(requests, hour = 5) AS `05`,
    sumIf(requests, hour = 6) AS `06`,
    sumIf(requests, hour = 7) AS `07`,
    sumIf(requests, hour = 8) AS `08`,
    sumIf(requests, hour = 9) AS `09`,
    sumIf(requests, hour = 10) AS `10`,
    sumIf(requests, hour = 11) AS `11`,
    sumIf(requests, hour = 12) AS `12`,
    sumIf(requests, hour = 13) AS `13`,
    sumIf(requests, hour = 14) AS `14`,
    sumIf(requests, hour = 15) AS `15`,
    sumIf(requests, hour = 16) AS `16`,
    sumIf(requests, hour = 17) AS `17`,
    sumIf(requests, hour = 18) AS `18`,
    sumIf(requests, hour = 19) AS `19`,
    sumIf(requests, hour = 20) AS `20`,
    sumIf(requests, hour = 21) AS `21`,
    sumIf(requests, hour = 22) AS `22`,
    sumIf(requests, hour = 23) AS `23`
FROM {{peak_hours}}
GROUP BY weekday
ORDER BY weekday
