/*
question = "Which tools fail, and what share of all failures is each one's?"
filters = ["user", "team", "project", "tool", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 1000, max = 10000 }
cache = "10s"

[columns]
tool = "the tool's name"
failed = "calls that failed"
total_failed = "failed calls of all tools that pass the filters"
share = "failed / total_failed, 0 to 1"
calls = "calls that ran to a result"
failure_rate = "failed / calls, 0 to 1"
users = "users for whom it failed"
*/
SELECT
    tool,
    failed,
    sum(failed) OVER () AS total_failed,
    failed / nullIf(total_failed, 0) AS share,
    calls,
    failed / nullIf(calls, 0) AS failure_rate,
    users
FROM
(
    SELECT
        ToolName AS tool,
        sum(Failed) AS failed,
        sum(Calls) AS calls,
        uniqExactIf(UserId, UserId != '' AND Failed > 0) AS users
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
    HAVING failed > 0
)
ORDER BY
    failed DESC,
    tool
LIMIT {limit:UInt32}
