/*
title = "Pull requests"
description = "Pull requests that sessions opened, as the clients counted them."
type = "stat"
unit = "short"
width = 3
params = { bucket = "none" }
*/
SELECT pull_requests FROM {{pull_requests}}
