/*
title = "Tasks"
description = "What became of the tasks that agents set themselves; only where the client sends the details of tools."
type = "piechart"
unit = "short"
width = 8
height = 9
colors = { "Pending" = "yellow", "In progress" = "blue", "Completed" = "green" }
params = { by = "none" }
*/
SELECT pending AS `Pending`, in_progress AS `In progress`, completed AS `Completed` FROM {{task_completion}}
