/*
title = "Cost per person"
description = "US dollars in the range for each person whose agent asked a model."
type = "stat"
unit = "currencyUSD"
width = 4
height = 5
*/
SELECT toFloat64(sum(Cost)) / nullIf(uniqExact(UserId), 0) AS cost
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{hours}}
    AND UserId != ''
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
