/*
question = "What would the usage cost by the token, against the price of a monthly plan?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
limit = { default = 1000, max = 10000 }
cache = "60s"
default_from = "-30d"

[params.by]
type = "enum"
values = ["none", "user", "team"]
default = "user"
help = "one row in all, or one per user or team"

[params.price]
type = "float"
default = 200.0
min = 0.01
max = 100000.0
help = "USD that a plan costs for one user and 30 days"

[columns]
name = "the user or team; only when by is not none"
seats = "users with at least one request, each of whom needs a plan"
days = "days of the range"
cost = "USD by the token, as the client reported it"
cost_list = "USD by the token, recomputed from list prices; models without a known price are left out, null if that is all of them"
plan_cost = "USD: price / 30 * days * seats"
value = "cost / plan_cost: above 1 the plan is the cheaper one"
saved = "USD that the plan saves: cost - plan_cost; below 0 where it costs more"
*/
SELECT
-- @when by = user
    UserId AS name,
-- @end
-- @when by = team
    TeamId AS name,
-- @end
    uniqExactIf(UserId, UserId != '') AS seats,
    dateDiff('second', toStartOfHour({from:DateTime64(9, 'UTC')}), {to:DateTime64(9, 'UTC')}) / 86400 AS days,
    toFloat64(sum(Cost)) AS cost,
    if(sum(Requests) = 0, 0, round(sum(CostList), 9)) AS cost_list,
    {price:Float64} / 30 * days * seats AS plan_cost,
    cost / nullIf(plan_cost, 0) AS value,
    cost - plan_cost AS saved
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
-- @when by = user, team
GROUP BY name
-- @end
ORDER BY
    cost DESC
-- @when by = user, team
    , name
-- @end
LIMIT {limit:UInt32}
