/*
title = "Subagents by type"
description = "Calls of the tools Agent and Task; unknown where the client does not send the details of tools."
type = "piechart"
unit = "short"
width = 6
*/
SELECT type, calls FROM {{subagent_success}}
