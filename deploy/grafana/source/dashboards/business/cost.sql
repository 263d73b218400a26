/*
title = "Cost"
description = "US dollars in the range, as the clients reported them."
type = "stat"
unit = "currencyUSD"
width = 4
height = 5
*/
SELECT toFloat64(sum(Cost)) AS cost
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
