/*
title = "Tokens by type"
description = "What the requests took and gave. Tokens read from the cache are not among the input."
type = "piechart"
unit = "short"
width = 6
*/
SELECT
    sum(InputTokens) AS `Input`,
    sum(OutputTokens) AS `Output`,
    sum(CacheReadTokens) AS `Cache read`,
    sum(CacheCreationTokens) AS `Cache creation`
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
