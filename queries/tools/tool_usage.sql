/*
question = "Which tools are used most, and what is each one's share?"
filters = ["user", "team", "project", "tool", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 1000, max = 10000 }
cache = "10s"

[columns]
rank = "place by calls; equal calls share a place"
tool = "the tool's name"
calls = "calls that ran to a result"
total_calls = "calls of all tools that pass the filters"
share = "calls / total_calls, 0 to 1"
users = "users who used the tool or were asked to allow it"
accepted = "calls that were allowed"
rejected = "calls that were refused; these have no result"
total_ms = "milliseconds spent in the tool"
*/
SELECT
    rank() OVER (ORDER BY calls DESC) AS rank,
    tool,
    calls,
    sum(calls) OVER () AS total_calls,
    calls / nullIf(total_calls, 0) AS share,
    users,
    accepted,
    rejected,
    total_ms
FROM
(
    SELECT
        ToolName AS tool,
        sum(Calls) AS calls,
        uniqExactIf(UserId, UserId != '') AS users,
        sum(Accepted) AS accepted,
        sum(Rejected) AS rejected,
        sum(DurationMs) AS total_ms
    FROM tool_usage_hourly
    WHERE TenantId = {tenant:String}
        AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
        AND Hour < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
        AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
    GROUP BY tool
)
ORDER BY
    rank,
    tool
LIMIT {limit:UInt32}
