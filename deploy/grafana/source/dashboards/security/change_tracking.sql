/*
title = "Changed files"
description = "Which files were changed, by whom and how."
type = "table"
width = 12
height = 9
*/
SELECT path, user, project, change, changes, failed, refused, last_change, last_session AS session
FROM {{change_tracking}}
