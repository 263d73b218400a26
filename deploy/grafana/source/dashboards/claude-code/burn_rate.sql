/*
title = "Burn rate"
description = "US dollars an hour."
type = "timeseries"
unit = "currencyUSD"
width = 18
thresholds = [{ color = "green" }, { color = "red", from = 10 }]
*/
SELECT
    {{hour}} AS time,
    toFloat64(sum(Cost)) / uniqExact(Hour) AS usd_per_hour
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY time
ORDER BY time
