/*
title = "Data access"
description = "What was read, written, made and deleted, by sensitivity."
type = "table"
width = 12
height = 9
*/
SELECT access, kind, severity, operations, ok, failed, refused, files, sessions, users, last_seen
FROM {{data_access}}
