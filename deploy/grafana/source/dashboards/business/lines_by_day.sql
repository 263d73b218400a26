/*
title = "Lines of code a day"
description = "Lines that sessions added and removed."
type = "timeseries"
unit = "short"
width = 12
colors = { "added" = "green", "removed" = "red" }
params = { bucket = "day" }
*/
SELECT bucket AS time, lines_added AS added, lines_removed AS removed
FROM {{lines_of_code}}
ORDER BY time
