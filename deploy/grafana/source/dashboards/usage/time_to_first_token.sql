/*
title = "Time to the first token"
description = "Median of each model, where the client says it."
type = "timeseries"
series = "model"
unit = "ms"
width = 12
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    toString(Model) AS model,
    quantileBFloat16(0.5)(toFloat64OrZero(LogAttributes['ttft_ms'])) AS median
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'api_request'
    AND LogAttributes['ttft_ms'] != ''
    AND {{range}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY time, model
ORDER BY time, model
