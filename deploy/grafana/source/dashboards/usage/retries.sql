/*
title = "Attempts"
description = "How many attempts API requests take, and how many are given up after each."
type = "table"
width = 12
units = { share = "percentunit" }
*/
SELECT attempt, answered, failed, requests, share, sessions FROM {{retries}}
