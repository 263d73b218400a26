/*
title = "Long session"
summary = "A session has lasted for more than 2 hours and still goes on."
description = "Look at the session's replay; long sessions carry long contexts, which cost more for each request. A session that was left and resumed counts from its first event within a month."
severity = "info"
seconds = 900
for = "0s"
when = "above"
limit = 2
*/
SELECT SessionId AS session, dateDiff('second', min(Start), max(End)) / 3600 AS hours
FROM rollup_sessions
WHERE Day >= toDate($__fromTime, 'UTC') - 31
    AND SessionId IN
    (
        SELECT SessionId
        FROM rollup_sessions
        WHERE Day >= toDate($__fromTime, 'UTC')
        GROUP BY SessionId
        HAVING max(End) >= $__fromTime
    )
GROUP BY session
ORDER BY hours DESC, session
LIMIT 100
