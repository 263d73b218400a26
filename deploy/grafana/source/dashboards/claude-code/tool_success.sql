/*
title = "Tool success"
description = "How often each tool succeeds, and how long it takes."
type = "table"
width = 16
height = 10
units = { success_rate = "percentunit", avg_ms = "ms", p50_ms = "ms", p95_ms = "ms", p99_ms = "ms" }
*/
SELECT tool, calls, failed, success_rate, avg_ms, p50_ms, p95_ms, p99_ms
FROM {{tool_success}}
