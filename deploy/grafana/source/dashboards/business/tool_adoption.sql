/*
title = "Adoption"
description = "When each person first used a tool, and how long it took them to get there."
type = "table"
width = 12
units = { hours_to_adopt = "h" }
*/
SELECT user, tool, first_use, hours_to_adopt, calls FROM {{tool_adoption}}
