/*
title = "Client versions"
description = "Which versions of the client are in use, and how they do."
type = "table"
width = 12
units = { share = "percentunit", api_error_rate = "percentunit", tool_error_rate = "percentunit", cost = "currencyUSD" }
*/
SELECT version, sessions, share, users, last_seen, api_error_rate, tool_error_rate, cost FROM {{client_versions}}
