/*
title = "High and critical"
description = "Violations that are high or critical."
type = "stat"
unit = "short"
width = 5
height = 6
thresholds = [{ color = "green" }, { color = "red", from = 1 }]
params = { limit = 10000, min_severity = "high" }
*/
SELECT count() AS violations FROM {{compliance_violations}}
