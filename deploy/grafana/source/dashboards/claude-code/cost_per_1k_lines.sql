/*
title = "Cost per 1,000 lines"
description = "US dollars for a thousand added lines of code."
type = "stat"
unit = "currencyUSD"
width = 6
*/
SELECT cost_per_1k_lines FROM {{cost_per_1k_lines}}
