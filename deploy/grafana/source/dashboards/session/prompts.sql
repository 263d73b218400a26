/*
title = "Prompts"
description = "When prompts were given, how long they were, and what they said where the client sends it."
type = "table"
width = 10
height = 14
units = { pause_s = "s" }
*/
SELECT time, ordinal, length, command, pause_s, text
FROM {{session_prompts}}
