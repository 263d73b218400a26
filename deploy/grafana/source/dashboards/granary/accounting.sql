/*
title = "What became of every record"
description = "The receivers' own count, held against the tables. Nothing should be missing and nothing surplus."
type = "table"
width = 24
*/
SELECT signal, received, stored, in_wal, duplicate, rejected, refused, quarantined, dropped, surplus, rows, missing
FROM {{ingest_accounting}}
