/*
title = "Violations"
description = "Things that a policy would object to, medium and worse."
type = "stat"
unit = "short"
width = 5
height = 6
thresholds = [{ color = "green" }, { color = "yellow", from = 1 }, { color = "red", from = 100 }]
params = { limit = 10000 }
*/
SELECT count() AS violations FROM {{compliance_violations}}
