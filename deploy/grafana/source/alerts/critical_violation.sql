/*
title = "Critical policy violation"
summary = "An agent did or tried something that a policy would object to, and that is critical."
description = "Looks only at clients that send the details of tools. Look at the dashboard Security and audit, policy violations, and at the session's replay."
severity = "critical"
seconds = 900
for = "0s"
when = "above"
limit = 0
params = { min_severity = "critical" }
*/
SELECT session, any(rule) AS rule, count() AS violations FROM {{compliance_violations}} GROUP BY session
