/*
question = "What do users, teams, projects, terminals, versions, agents, skills or MCP servers cost, in total or over time?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
limit = { default = 1000, max = 50000 }
cache = "10s"

[params.by]
type = "enum"
values = ["user", "team", "project", "organization", "terminal", "version", "agent", "skill", "mcp_server"]
default = "user"
help = "what to tell apart"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "one row per name, or per name and hour or day (UTC)"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
name = "the user, team or whatever by names; empty where the client did not say"
requests = "API requests that were answered"
users = "users with at least one request"
cost = "USD, as the client reported it"
total_cost = "USD of all names that pass the filters, in the same bucket"
share = "cost / total_cost, 0 to 1"
cost_list = "USD, recomputed from tokens and list prices; models without a known price are left out, null if that is all of them"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
cache_read_tokens = "tokens read from the cache"
cache_creation_tokens = "tokens written to the cache"
avg_ms = "mean duration of a request in milliseconds"
*/
SELECT
-- @when bucket = hour, day
    bucket,
-- @end
    name,
    requests,
    users,
    cost,
-- @when bucket = none
    sum(cost) OVER () AS total_cost,
-- @end
-- @when bucket = hour, day
    sum(cost) OVER (PARTITION BY bucket) AS total_cost,
-- @end
    cost / nullIf(total_cost, 0) AS share,
    cost_list,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_creation_tokens,
    avg_ms
FROM
(
    SELECT
-- @when bucket = hour
        Hour AS bucket,
-- @end
-- @when bucket = day
        toStartOfDay(Hour) AS bucket,
-- @end
-- @when by = user
        UserId AS name,
-- @end
-- @when by = team
        TeamId AS name,
-- @end
-- @when by = project
        Project AS name,
-- @end
-- @when by = organization
        Organization AS name,
-- @end
-- @when by = terminal
        Terminal AS name,
-- @end
-- @when by = version
        Version AS name,
-- @end
-- @when by = agent
        Agent AS name,
-- @end
-- @when by = skill
        Skill AS name,
-- @end
-- @when by = mcp_server
        McpServer AS name,
-- @end
        sum(Requests) AS requests,
        uniqExactIf(UserId, UserId != '') AS users,
        toFloat64(sum(Cost)) AS cost,
        round(sum(CostList), 9) AS cost_list,
        sum(InputTokens) AS input_tokens,
        sum(OutputTokens) AS output_tokens,
        sum(CacheReadTokens) AS cache_read_tokens,
        sum(CacheCreationTokens) AS cache_creation_tokens,
        round(sum(DurationMs) / nullIf(sum(Requests), 0), 3) AS avg_ms
    FROM cost_hourly_priced
    WHERE TenantId = {tenant:String}
        AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
        AND Hour < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
        AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
    GROUP BY
-- @when bucket = hour, day
        bucket,
-- @end
        name
)
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    cost DESC,
    name
LIMIT {limit:UInt32}
