/*
title = "Edits accepted"
description = "Accepted edits of all that were proposed."
type = "gauge"
unit = "percentunit"
min = 0
max = 1
width = 3
thresholds = [{ color = "red" }, { color = "yellow", from = 0.6 }, { color = "green", from = 0.8 }]
*/
SELECT acceptance_rate FROM {{code_acceptance}}
