/*
question = "Which tools are hardly used, or by hardly anyone?"
filters = ["user", "team", "project", "tool", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 1000, max = 10000 }
cache = "300s"
# A tool that was never called nor refused in the range is not known, and so not listed.
default_from = "-30d"

[params.min_calls]
type = "uint"
default = 10
min = 1
max = 1000000000
help = "tools with fewer calls are listed"

[params.min_users]
type = "float"
default = 0.1
min = 0.0
max = 1.0
help = "tools that a smaller share of the users call are listed"

[columns]
tool = "the tool's name"
calls = "calls that ran to a result"
rejected = "calls that were refused; these have no result"
users = "users with at least one call"
all_users = "users with a call of any tool"
user_share = "users / all_users, 0 to 1"
last_use = "start of the hour of the last call or decision"
reason = "few calls, few users, or both"
*/
SELECT
    tool,
    calls,
    rejected,
    length(callers) AS users,
    length(arrayDistinct(arrayFlatten(groupArray(callers) OVER ()))) AS all_users,
    users / nullIf(all_users, 0) AS user_share,
    last_use,
    multiIf(
        calls < {min_calls:UInt64} AND ifNull(user_share, 0) < {min_users:Float64}, 'few calls, few users',
        calls < {min_calls:UInt64}, 'few calls',
        ifNull(user_share, 0) < {min_users:Float64}, 'few users',
        '') AS reason
FROM
(
    SELECT
        ToolName AS tool,
        sum(Calls) AS calls,
        sum(Rejected) AS rejected,
        groupUniqArrayIf(UserId, UserId != '' AND Calls > 0) AS callers,
        max(Hour) AS last_use
    FROM tool_usage_hourly
    WHERE TenantId = {tenant:String}
        AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
        AND Hour < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
    GROUP BY tool
)
QUALIFY reason != ''
    AND (empty({tool:Array(String)}) OR tool IN {tool:Array(String)})
ORDER BY
    calls,
    users,
    tool
LIMIT {limit:UInt32}
