/*
title = "Cache hit rate"
description = "Tokens read from the cache of all that were sent: input, cache reads and cache writes."
type = "gauge"
unit = "percentunit"
min = 0
max = 1
width = 6
thresholds = [{ color = "red" }, { color = "yellow", from = 0.5 }, { color = "green", from = 0.8 }]
*/
SELECT sum(CacheReadTokens) / nullIf(sum(InputTokens) + sum(CacheReadTokens) + sum(CacheCreationTokens), 0) AS hit_rate
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{terminal}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
