/*
title = "Active sessions"
description = "Sessions with an event in the 15 minutes before the end of the range."
type = "stat"
width = 6
height = 5
thresholds = [{ color = "green" }, { color = "yellow", from = 10 }, { color = "red", from = 25 }]
*/
SELECT uniqExact(SessionId) AS sessions
FROM rollup_sessions
WHERE {{scope}}
    AND {{terminal}}
    AND Day >= toDate($__toTime - toIntervalMinute(15), 'UTC')
    AND End >= $__toTime - toIntervalMinute(15)
    AND Start <= $__toTime
