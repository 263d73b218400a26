/*
title = "Cost"
description = "US dollars in the range, as the clients reported them."
type = "stat"
unit = "currencyUSD"
width = 6
height = 5
thresholds = [{ color = "green" }, { color = "yellow", from = 10 }, { color = "red", from = 50 }]
*/
SELECT toFloat64(sum(Cost)) AS cost
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
