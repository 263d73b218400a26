/*
title = "People and sessions"
description = "People whose agents asked a model, hour by hour."
type = "timeseries"
unit = "short"
width = 12
*/
SELECT
    {{hour}} AS time,
    uniqExact(UserId) AS people
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY time
ORDER BY time
