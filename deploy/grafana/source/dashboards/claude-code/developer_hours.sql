/*
title = "Developer hours"
description = "Hours that a developer would have needed to write the added lines, at 75 lines an hour."
type = "gauge"
unit = "h"
min = 0
width = 3
*/
SELECT hours FROM {{developer_equivalence}}
