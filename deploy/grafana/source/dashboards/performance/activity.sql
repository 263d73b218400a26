/*
title = "Activity"
description = "What has just been done: time, tool or model, event, duration, and what it was about where the client says."
type = "logs"
width = 24
height = 12
params = { limit = 200 }
*/
SELECT
    time AS timestamp,
    line AS body,
    if(ifNull(success, true), 'info', 'error') AS level,
    session,
    user,
    project
FROM {{live_feed}}
