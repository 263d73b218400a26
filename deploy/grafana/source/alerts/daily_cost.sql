/*
title = "High daily cost"
summary = "More than $100 was spent within the last 24 hours."
description = "Look at the dashboard Business, cost by team and the sessions far above the others."
severity = "critical"
seconds = 86400
for = "1m"
when = "above"
limit = 100
*/
SELECT toFloat64(sum(Cost)) AS usd
FROM otel_logs
WHERE AgentEvent = 'api_request'
    AND {{range}}
