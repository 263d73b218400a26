/*
title = "Retries"
description = "API requests that were given up, by the attempts they took."
type = "timeseries"
series = "attempts"
unit = "short"
width = 8
stack = true
*/
SELECT
    $__timeInterval(Timestamp) AS time,
    concat(LogAttributes['attempt'], ' attempts') AS attempts,
    count() AS errors
FROM otel_logs
WHERE {{scope}}
    AND {{terminal_of_record}}
    AND AgentEvent = 'api_error'
    AND toUInt32OrZero(LogAttributes['attempt']) > 1
    AND {{range}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY time, attempts
ORDER BY time, attempts
