/*
title = "People"
description = "People whose agents asked a model."
type = "stat"
unit = "short"
width = 4
height = 5
*/
SELECT uniqExactIf(UserId, UserId != '') AS people
FROM rollup_cost_hourly
WHERE {{scope}}
    AND {{hours}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
