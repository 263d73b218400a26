/*
question = "On which days did a user or team spend far more than they did in the four weeks before?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly"]
limit = { default = 100, max = 10000 }
cache = "60s"
default_from = "-7d"

[params.by]
type = "enum"
values = ["user", "team", "project"]
default = "user"
help = "whose days are compared"

[params.k]
type = "float"
default = 2.0
min = 1.0
max = 100.0
help = "a day that costs more than k times the mean of the days before is reported"

[params.min_score]
type = "float"
default = 3.5
min = 1.0
max = 1000.0
help = "a day with a higher robust score is reported; 3.5 is the usual bound"

[params.min_days]
type = "uint"
default = 5
min = 2
max = 28
help = "how many days with cost there must be among the 28 before"

[params.min_cost]
type = "float"
default = 1.0
min = 0.0
max = 1000000.0
help = "days that cost less, in USD, are not worth a report"

[columns]
day = "the day (UTC), whole even where the range holds a part of it"
name = "the user, team or project"
cost = "USD of the day, as the client reported it"
days_before = "days with cost among the 28 before; days without cost are not counted as days of cost 0"
mean = "USD, mean of those days"
median = "USD, median of those days"
ratio = "cost / mean"
score = "0.6745 * (cost - median) / median absolute deviation; null where more than half of the days cost the same"
reason = "which bounds were passed, with the figures they were measured by"
*/
WITH
    daily AS
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
            toFloat64(sum(Cost)) AS cost
        FROM cost_hourly
        WHERE TenantId = {tenant:String}
            AND Hour >= toStartOfDay({from:DateTime64(9, 'UTC')}) - toIntervalDay(28)
            AND Hour < {to:DateTime64(9, 'UTC')}
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
            AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
        GROUP BY
            name,
            day
        HAVING cost > 0
    )
SELECT
    day,
    name,
    cost,
    length(before) AS days_before,
    round(arrayAvg(before), 9) AS mean,
    round(arrayReduce('quantileExactInclusive(0.5)', before), 9) AS median,
    round(cost / mean, 3) AS ratio,
    -- 0.6745 makes the deviation of a normal distribution count as one standard deviation.
    round(
        0.6745 * (cost - median)
            / nullIf(arrayReduce('quantileExactInclusive(0.5)', arrayMap(x -> abs(x - median), before)), 0),
        3) AS score,
    arrayStringConcat(
        arrayFilter(
            x -> x != '',
            [
                if(
                    cost > {k:Float64} * mean,
                    concat(toString(round(ratio, 1)), ' times the mean of ', toString(days_before), ' days ($', toDecimalString(mean, 2), ')'),
                    ''),
                if(
                    ifNull(score, 0) > {min_score:Float64},
                    concat(
                        'robust score ', toString(round(assumeNotNull(score), 1)), ' over ', toString({min_score:Float64}),
                        ' (median $', toDecimalString(median, 2), ')'),
                    '')
            ]),
        '; ') AS reason
FROM
(
    SELECT
        day,
        name,
        cost,
        groupArray(cost) OVER (PARTITION BY name ORDER BY toUInt16(day) RANGE BETWEEN 28 PRECEDING AND 1 PRECEDING) AS before
    FROM daily
)
WHERE day >= toDate({from:DateTime64(9, 'UTC')})
    AND length(before) >= {min_days:UInt64}
    AND cost >= {min_cost:Float64}
    AND reason != ''
ORDER BY
    day DESC,
    cost DESC,
    name
LIMIT {limit:UInt32}
