/*
title = "Cost by project"
description = "US dollars as the clients reported them, and what the same would cost at list prices."
type = "table"
width = 12
units = { cost = "currencyUSD", list = "currencyUSD", output_tokens = "short" }
*/
SELECT
    if(Project = '', 'no project', toString(Project)) AS project_name,
    toFloat64(sum(Cost)) AS cost,
    sum(CostList) AS list,
    sum(Requests) AS requests,
    sum(OutputTokens) AS output_tokens,
    uniqExact(UserId) AS people
FROM rollup_cost_hourly_priced
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY project_name
ORDER BY cost DESC, project_name
LIMIT 50
