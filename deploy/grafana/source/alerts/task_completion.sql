/*
title = "Few tasks are completed"
summary = "Less than half of the tasks that agents set themselves were completed within an hour."
description = "Looks only at clients that send the details of tools. Look at the dashboard Performance and workflow, tasks. Fewer than 10 tasks are not judged."
severity = "warning"
seconds = 3600
for = "15m"
when = "below"
limit = 0.5
params = { by = "none" }
*/
SELECT completion_rate FROM {{task_completion}} WHERE tasks >= 10
