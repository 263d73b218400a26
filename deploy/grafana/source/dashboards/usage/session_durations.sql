/*
title = "Session length"
description = "How many sessions last how long."
type = "barchart"
unit = "short"
width = 6
*/
SELECT class, sessions FROM {{session_durations}}
