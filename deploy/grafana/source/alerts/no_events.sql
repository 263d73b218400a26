/*
title = "Nothing is stored"
summary = "Nothing has been stored for 6 hours, though there was something on the day before."
description = "Clients say nothing when they reach nobody. Look at the dashboard Granary, and ask one client (CLAUDE_CODE_OTEL_DIAG_STDERR=1). Nights and weekends look the same: mute it there."
severity = "warning"
seconds = 86400
for = "10m"
when = "above"
limit = 21600
*/
SELECT dateDiff('second', max(Minute), now()) AS seconds_ago
FROM ingest_accounting
WHERE Outcome = 'stored'
    AND Minute >= $__fromTime
HAVING count() > 0
