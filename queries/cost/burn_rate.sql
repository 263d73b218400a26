/*
question = "How many USD an hour are spent, and what does that make in a day and a month?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "one row for the range, or one per hour or day (UTC) in which anything was spent"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; models without a known price are left out, null if that is all of them"
hours = "hours that the cost is spread over; an hour or day under way counts up to the end of the range"
cost_per_hour = "cost / hours"
projected_day = "USD in 24 hours at this rate"
projected_month = "USD in 30 days at this rate"
*/
SELECT
-- @when bucket = hour
    Hour AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(Hour) AS bucket,
-- @end
    toFloat64(sum(Cost)) AS cost,
    if(sum(Requests) = 0, 0, round(sum(CostList), 9)) AS cost_list,
-- @when bucket = none
    dateDiff('millisecond', toStartOfHour({from:DateTime64(9, 'UTC')}), {to:DateTime64(9, 'UTC')}) / 3600000 AS hours,
-- @end
-- @when bucket = hour
    dateDiff('millisecond', bucket, least(bucket + toIntervalHour(1), {to:DateTime64(9, 'UTC')})) / 3600000 AS hours,
-- @end
-- @when bucket = day
    dateDiff(
        'millisecond',
        greatest(bucket, toStartOfHour({from:DateTime64(9, 'UTC')})),
        least(bucket + toIntervalDay(1), {to:DateTime64(9, 'UTC')})) / 3600000 AS hours,
-- @end
    cost / nullIf(hours, 0) AS cost_per_hour,
    cost_per_hour * 24 AS projected_day,
    cost_per_hour * 24 * 30 AS projected_month
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
-- @when bucket = hour, day
GROUP BY bucket
ORDER BY bucket
-- @end
LIMIT {limit:UInt32}
