/*
title = "Flow"
description = "From prompts through requests and tools to subagents: the first 2,000 nodes and edges."
type = "nodeGraph"
width = 14
height = 14
params = { session = "$session", limit = 2000 }
*/
SELECT id, label AS title, type AS subtitle, duration_ms AS mainStat
FROM {{session_flow}}
WHERE part = 'node'
-- @next
SELECT id, source, target
FROM {{session_flow}}
WHERE part = 'edge'
