/*
title = "Most valuable tools"
description = "By calls, success and number of people together."
type = "barchart"
unit = "percentunit"
width = 12
*/
SELECT tool, value_share FROM {{tool_value}} LIMIT 15
