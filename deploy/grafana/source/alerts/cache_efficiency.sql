/*
title = "Low cache hit rate"
summary = "Less than half of what is sent comes from the cache."
description = "Look at the dashboard Claude Code, cost and tokens. Something that changes at the start of each request, such as a time in a system prompt, makes the cache useless. Fewer than 50 requests are not judged."
severity = "info"
seconds = 3600
for = "30m"
when = "below"
limit = 0.5
*/
SELECT
    sum(CacheReadTokens) / nullIf(sum(InputTokens) + sum(CacheReadTokens) + sum(CacheCreationTokens), 0) AS hit_rate
FROM otel_logs
WHERE AgentEvent = 'api_request'
    AND {{range}}
HAVING count() >= 50
