/*
title = "Commits"
description = "Commits that sessions made, as the clients counted them."
type = "stat"
unit = "short"
width = 3
params = { bucket = "none" }
*/
SELECT commits FROM {{commits}}
