/*
title = "What is looked up"
description = "Manuals, help texts and documentation; only where clients send the details of tools."
type = "table"
width = 12
*/
SELECT kind, what, count, failed, sessions, users, last_seen FROM {{learning}}
