/*
title = "Response time of models"
description = "Percentiles of the duration of API requests."
type = "timeseries"
unit = "ms"
width = 12
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    quantileBFloat16(0.5)(DurationMs) AS p50,
    quantileBFloat16(0.95)(DurationMs) AS p95,
    quantileBFloat16(0.99)(DurationMs) AS p99
FROM otel_logs
WHERE {{scope}}
    AND AgentEvent = 'api_request'
    AND {{range}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY time
ORDER BY time
