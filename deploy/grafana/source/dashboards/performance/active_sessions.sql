/*
title = "Active sessions"
description = "Sessions with an event in the 15 minutes before the end of the range."
type = "stat"
width = 6
height = 5
*/
SELECT count() AS sessions FROM {{active_sessions}}
