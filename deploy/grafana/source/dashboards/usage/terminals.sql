/*
title = "Terminals and editors"
description = "Requests to models from each."
type = "piechart"
unit = "short"
width = 6
*/
SELECT
    toString(Terminal) AS terminal,
    sum(Requests) AS requests
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY terminal
ORDER BY requests DESC, terminal
LIMIT 12
