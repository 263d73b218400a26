/*
title = "Freshness"
description = "How long it takes from an event to its being stored; clients wait up to 5 seconds before they send."
type = "table"
width = 12
units = { age_s = "s", p50_delay_s = "s", p95_delay_s = "s", p99_delay_s = "s" }
*/
SELECT signal, rows, newest_event, newest_stored, age_s, p50_delay_s, p95_delay_s, p99_delay_s
FROM {{freshness}}
