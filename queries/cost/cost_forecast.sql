/*
question = "What will the coming days cost, going by trend and weekday?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly"]
limit = { default = 366, max = 366 }
cache = "300s"
default_from = "-56d"

# The range is what the forecast learns from: its whole days (UTC). The day that its end lies in is the first one forecast.
[params.days]
type = "uint"
default = 30
min = 1
max = 366
help = "how many days to look ahead"

[params.confidence]
type = "enum"
values = ["80", "90", "95", "99"]
default = "95"
help = "how likely a day is to lie within the interval, in percent"

[columns]
day = "the day (UTC)"
cost = "USD, forecast"
low = "USD, lower end of the interval, not below 0; null with too few days to tell"
high = "USD, upper end of the interval; null with too few days to tell"
trend = "USD, the straight line through the days before, without the weekday"
weekday_effect = "USD that the weekday adds or takes; 0 with less than two weeks to learn from"
total = "USD, forecast from the first day up to this one"
history_days = "days that the forecast is made from"
*/
WITH
    daily AS
    (
        SELECT
            toDate(Hour) AS day,
            toFloat64(sum(Cost)) AS value
        FROM cost_hourly
        WHERE TenantId = {tenant:String}
            AND Hour >= toStartOfDay({from:DateTime64(9, 'UTC')} + toIntervalSecond(86399))
            AND Hour < toStartOfDay({to:DateTime64(9, 'UTC')})
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
            AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
        GROUP BY day
    ),
    -- The days from the first one with any value on, so that a young warehouse is not taken for a quiet one.
    history AS
    (
        SELECT
            min(day) AS first_day,
            arrayMap(pair -> pair.2, arraySort(groupArray((day, value)))) AS values
        FROM
        (
            SELECT
                day,
                value
            FROM daily
            ORDER BY day WITH FILL TO toDate({to:DateTime64(9, 'UTC')})
        )
    ),
    trended AS
    (
        SELECT
            first_day,
            values,
            length(values) AS days,
            (days - 1) / 2 AS middle,
            arrayAvg(values) AS mean,
            days * (days * days - 1) / 12 AS spread,
            if(days < 2, 0, arraySum((value, i) -> (i - 1 - middle) * value, values, arrayEnumerate(values)) / spread) AS slope,
            arrayMap((value, i) -> value - mean - slope * (i - 1 - middle), values, arrayEnumerate(values)) AS residuals,
            arrayMap(i -> toDayOfWeek(first_day + i - 1), arrayEnumerate(values)) AS weekdays
        FROM history
        WHERE notEmpty(values)
    ),
    fitted AS
    (
        SELECT
            first_day,
            days,
            middle,
            mean,
            spread,
            slope,
            -- Each weekday has to have been seen twice before it says anything.
            days >= 14 AS weekly,
            arrayMap(
                weekday -> if(weekly, arrayAvg(arrayFilter((residual, day) -> day = weekday, residuals, weekdays)), 0),
                range(1, 8)) AS effects,
            days - if(weekly, 8, 2) AS freedom,
            if(
                freedom > 0,
                sqrt(arraySum((residual, day) -> pow(residual - effects[day], 2), residuals, weekdays) / freedom),
                NULL) AS deviation
        FROM trended
    )
SELECT
    first_day + days + step AS day,
    greatest(trend + weekday_effect, 0) AS cost,
    if(reach IS NULL, NULL, greatest(trend + weekday_effect - reach, 0)) AS low,
    if(reach IS NULL, NULL, greatest(trend + weekday_effect + reach, 0)) AS high,
    mean + slope * (days + step - middle) AS trend,
    effects[toDayOfWeek(day)] AS weekday_effect,
    sum(cost) OVER (ORDER BY step) AS total,
    days AS history_days
FROM
(
    SELECT
        *,
        step,
        deviation * sqrt(1 + 1 / days + pow(days + step - middle, 2) / spread)
            * transform({confidence:String}, ['80', '90', '95', '99'], [1.2816, 1.6449, 1.96, 2.5758], 1.96) AS reach
    FROM fitted
    ARRAY JOIN range({days:UInt64}) AS step
)
ORDER BY day
LIMIT {limit:UInt32}
