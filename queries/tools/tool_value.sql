/*
question = "Which tools are worth most, by usage, success and number of users together?"
filters = ["user", "team", "project", "tool", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 1000, max = 10000 }
cache = "60s"
default_from = "-7d"

[columns]
rank = "place by value; equal values share a place"
tool = "the tool's name"
calls = "calls that ran to a result"
ok = "calls that succeeded"
success_rate = "ok / calls, 0 to 1"
users = "users with at least one call"
value = "calls * success_rate * users"
value_share = "value / value of all tools that pass the filters, 0 to 1"
*/
SELECT
    rank() OVER (ORDER BY value DESC) AS rank,
    tool,
    calls,
    ok,
    success_rate,
    users,
    value,
    value / nullIf(sum(value) OVER (), 0) AS value_share
FROM
(
    SELECT
        ToolName AS tool,
        sum(Calls) AS calls,
        sum(Ok) AS ok,
        ok / calls AS success_rate,
        uniqExactIf(UserId, UserId != '' AND Calls > 0) AS users,
        toFloat64(ok * users) AS value
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
    HAVING calls > 0
)
ORDER BY
    rank,
    tool
LIMIT {limit:UInt32}
