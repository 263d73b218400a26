/*
title = "Reported and list price"
description = "Where the cost that clients report differs from list prices, one of the two is wrong."
type = "timeseries"
unit = "currencyUSD"
width = 24
*/
SELECT
    {{hour}} AS time,
    toFloat64(sum(Cost)) AS reported,
    sum(CostList) AS list
FROM rollup_cost_hourly_priced
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY time
ORDER BY time
