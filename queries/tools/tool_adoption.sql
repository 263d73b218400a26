/*
question = "When did each user first use a tool, and how long did it take them to get there?"
filters = ["user", "team", "project", "tool", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 1000, max = 50000 }
cache = "300s"
# What lies before the range is not looked at: a first use is the first one in it.
default_from = "-90d"

[columns]
user = "the user"
tool = "the tool's name"
first_use = "start of the hour of the first call"
last_use = "start of the hour of the last call"
user_since = "start of the hour of the user's first call of any tool"
hours_to_adopt = "hours from user_since to first_use"
calls = "calls that ran to a result"
*/
SELECT
    user,
    tool,
    first_use,
    last_use,
    user_since,
    toUInt64(dateDiff('hour', user_since, first_use)) AS hours_to_adopt,
    calls
FROM
(
    SELECT
        UserId AS user,
        ToolName AS tool,
        min(Hour) AS first_use,
        max(Hour) AS last_use,
        min(first_use) OVER (PARTITION BY user) AS user_since,
        sum(Calls) AS calls
    FROM tool_usage_hourly
    WHERE TenantId = {tenant:String}
        AND Calls > 0
        AND UserId != ''
        AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
        AND Hour < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
    GROUP BY
        user,
        tool
)
WHERE empty({tool:Array(String)}) OR tool IN {tool:Array(String)}
ORDER BY
    first_use DESC,
    user,
    tool
LIMIT {limit:UInt32}
