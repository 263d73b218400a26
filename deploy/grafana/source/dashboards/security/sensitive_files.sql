/*
title = "Sensitive files"
description = "Keys, credentials and settings that were read, written or otherwise touched."
type = "table"
width = 12
height = 9
*/
SELECT time, severity, kind, access, path, outcome, session, user
FROM {{sensitive_files}}
