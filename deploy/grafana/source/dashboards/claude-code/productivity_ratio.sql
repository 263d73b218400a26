/*
title = "Productivity ratio"
description = "Seconds that the agent works for each second that the user does."
type = "stat"
unit = "suffix: : 1"
width = 6
height = 5
*/
SELECT ratio FROM {{productivity_ratio}}
