/*
title = "Cost by model"
description = "US dollars as the clients reported them."
type = "timeseries"
series = "model"
unit = "currencyUSD"
width = 12
stack = true
*/
SELECT
    {{hour}} AS time,
    toString(Model) AS model,
    toFloat64(sum(Cost)) AS cost
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY time, model
ORDER BY time, model
