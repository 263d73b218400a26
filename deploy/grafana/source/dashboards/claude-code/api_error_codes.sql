/*
title = "API errors by status"
description = "API requests that failed for good, by HTTP status; no status where there was no connection."
type = "barchart"
unit = "short"
width = 8
*/
SELECT
    if(LogAttributes['status_code'] = '', 'no status', LogAttributes['status_code']) AS status,
    count() AS errors
FROM otel_logs
WHERE {{scope}}
    AND {{terminal_of_record}}
    AND AgentEvent = 'api_error'
    AND {{range}}
    AND $__conditionalAll(Model IN (${model:singlequote}), $model)
GROUP BY status
ORDER BY errors DESC, status
