/*
title = "Cost by team"
description = "US dollars as the clients reported them."
type = "timeseries"
series = "team_name"
unit = "currencyUSD"
width = 12
stack = true
*/
SELECT
    {{hour}} AS time,
    if(TeamId = '', 'no team', toString(TeamId)) AS team_name,
    toFloat64(sum(Cost)) AS cost
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY time, team_name
ORDER BY time, team_name
