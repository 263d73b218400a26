/*
title = "API errors"
summary = "More than 10 API requests failed for good within 5 minutes."
description = "Look at the dashboard Claude Code, API errors by status: 429 is a limit of yours, 529 and 5xx are the vendor's."
severity = "critical"
seconds = 300
for = "1m"
when = "above"
limit = 10
*/
SELECT count() AS errors
FROM otel_logs
WHERE AgentEvent = 'api_error'
    AND {{range}}
