/*
title = "Tools that are hardly used"
description = "Tools with few calls, or few people."
type = "table"
width = 12
units = { user_share = "percentunit" }
*/
SELECT tool, calls, users, user_share, last_use, reason FROM {{tool_underused}}
