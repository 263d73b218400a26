/*
title = "Languages"
description = "Which languages are read and written; only where clients send the details of tools."
type = "barchart"
unit = "short"
width = 12
stack = true
*/
SELECT language, reads, changes FROM {{languages}} LIMIT 15
