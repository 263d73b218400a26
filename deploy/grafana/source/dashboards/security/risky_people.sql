/*
title = "Sessions with violations"
description = "Sessions in which a policy would object to something."
type = "stat"
unit = "short"
width = 4
height = 6
params = { limit = 10000 }
*/
SELECT uniqExact(session) AS sessions FROM {{compliance_violations}}
