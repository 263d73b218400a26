/*
title = "Cost a day"
description = "US dollars on the mean day of the range, days without any included."
type = "stat"
unit = "currencyUSD"
width = 4
height = 5
*/
SELECT toFloat64(sum(Cost)) / greatest(dateDiff('second', $__fromTime, $__toTime) / 86400, 1) AS cost_per_day
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
