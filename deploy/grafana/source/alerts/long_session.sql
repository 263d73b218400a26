/*
title = "Long session"
summary = "A session has lasted for more than 2 hours and still goes on."
description = "Look at the session's replay; long sessions carry long contexts, which cost more for each request. A session that was left and resumed counts from its first event."
severity = "info"
seconds = 900
for = "0s"
when = "above"
limit = 2
*/
SELECT TenantId AS tenant, SessionId AS session, dateDiff('second', min(Start), max(End)) / 3600 AS hours
FROM sessions
WHERE (TenantId, SessionId) IN
(
    SELECT TenantId, SessionId
    FROM sessions
    WHERE Day >= toDate($__fromTime, 'UTC')
    GROUP BY TenantId, SessionId
    HAVING max(End) >= $__fromTime
)
GROUP BY tenant, session
ORDER BY hours DESC, session
LIMIT 100
