/*
title = "Edits accepted"
description = "Accepted edits of all that were proposed, day by day."
type = "timeseries"
unit = "percentunit"
min = 0
max = 1
width = 12
params = { bucket = "day" }
*/
SELECT bucket AS time, acceptance_rate FROM {{code_acceptance}} ORDER BY time
