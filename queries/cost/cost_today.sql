/*
question = "How does today's cost compare with the average day?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
limit = { default = 1000, max = 10000 }
cache = "10s"

# Today is the day (UTC) that the range ends in; the start of the range does not matter.
[params.days]
type = "uint"
default = 28
min = 1
max = 366
help = "how many days before today make the average"

[params.by]
type = "enum"
values = ["none", "user", "team", "project"]
default = "none"
help = "one row in all, or one per user, team or project"

[columns]
name = "the user, team or project; only when by is not none"
day = "today (UTC)"
cost = "USD so far today, as the client reported it"
cost_list = "USD so far today, recomputed from tokens and list prices; models without a known price are left out, null if that is all of them"
requests = "API requests answered today"
days_with_cost = "days before with any cost; the others do not lower the average"
daily_average = "USD, mean of those days; null if there are none"
change = "(cost - daily_average) / daily_average"
message = "the change in words, such as 150 % above the daily average"
*/
WITH
    toDate(subtractNanoseconds({to:DateTime64(9, 'UTC')}, 1)) AS today
SELECT
-- @when by = user, team, project
    name,
-- @end
    today AS day,
    sumIf(costs.cost, costs.day = today) AS cost,
    if(requests = 0, 0, round(sumIf(costs.cost_list, costs.day = today), 9)) AS cost_list,
    sumIf(costs.requests, costs.day = today) AS requests,
    countIf(costs.day < today AND costs.cost > 0) AS days_with_cost,
    sumIf(costs.cost, costs.day < today) / nullIf(days_with_cost, 0) AS daily_average,
    (cost - daily_average) / nullIf(daily_average, 0) AS change,
    multiIf(
        change IS NULL, 'no day to compare with',
        round(abs(change) * 100) = 0, 'as much as the daily average',
        concat(
            toString(toUInt64(round(abs(assumeNotNull(change)) * 100))), ' % ',
            if(change > 0, 'above', 'below'), ' the daily average')) AS message
FROM
(
    SELECT
-- @when by = user
        UserId AS name,
-- @end
-- @when by = team
        TeamId AS name,
-- @end
-- @when by = project
        Project AS name,
-- @end
        toDate(Hour) AS day,
        toFloat64(sum(Cost)) AS cost,
        sum(CostList) AS cost_list,
        sum(Requests) AS requests
    FROM cost_hourly_priced
    WHERE TenantId = {tenant:String}
        AND Hour >= toDateTime(today, 'UTC') - toIntervalDay({days:UInt64})
        AND Hour < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
        AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
    GROUP BY
-- @when by = user, team, project
        name,
-- @end
        day
) AS costs
-- @when by = user, team, project
GROUP BY name
-- @end
ORDER BY
    cost DESC
-- @when by = user, team, project
    , name
-- @end
LIMIT {limit:UInt32}
