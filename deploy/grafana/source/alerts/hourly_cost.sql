/*
title = "High hourly cost"
summary = "More than $10 was spent within the last hour."
description = "Look at the dashboard Claude Code, cost by model and the dearest sessions. Mind that a limit for everybody grows with the number of people: set it to what your hours cost."
severity = "warning"
seconds = 3600
for = "5m"
when = "above"
limit = 10
*/
SELECT toFloat64(sum(Cost)) AS usd
FROM otel_logs
WHERE AgentEvent = 'api_request'
    AND {{range}}
