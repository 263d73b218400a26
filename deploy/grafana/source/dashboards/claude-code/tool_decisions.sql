/*
title = "Tool decisions"
description = "Which tools were allowed or refused, and by whom."
type = "barchart"
unit = "short"
width = 12
height = 9
stack = true
*/
SELECT
    toString(ToolName) AS tool,
    countIf(LogAttributes['source'] = 'config') AS config,
    countIf(LogAttributes['source'] = 'hook') AS hook,
    countIf(LogAttributes['source'] = 'user_permanent') AS `user, for good`,
    countIf(LogAttributes['source'] = 'user_temporary') AS `user, this time`,
    countIf(LogAttributes['source'] = 'user_reject') AS `user refused`,
    countIf(LogAttributes['source'] = 'user_abort') AS `user aborted`
FROM otel_logs
WHERE {{scope}}
    AND {{terminal_of_record}}
    AND AgentEvent = 'tool_decision'
    AND {{range}}
    AND $__conditionalAll(ToolName IN (${tool:singlequote}), $tool)
GROUP BY tool
ORDER BY count() DESC, tool
LIMIT 15
