/*
question = "At which hours of which weekdays is most done?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly"]
limit = { default = 168, max = 168 }
cache = "300s"
default_from = "-28d"

[params.timezone]
type = "string"
default = "UTC"
help = "the time zone that weekdays and hours are read in, such as Europe/Berlin; where it is off by half an hour, so are they"

[columns]
weekday = "1 is Monday, 7 is Sunday"
hour = "hour of the day, 0 to 23"
requests = "API requests that were answered"
share = "requests / requests of all hours, 0 to 1"
cost = "USD, as the client reported it"
output_tokens = "tokens generated"
users = "users with at least one request"
active_days = "days on which there was a request in this hour"
requests_per_active_day = "requests / active_days"
*/
SELECT
    toDayOfWeek(toTimeZone(Hour, {timezone:String})) AS weekday,
    toHour(toTimeZone(Hour, {timezone:String})) AS hour,
    sum(Requests) AS requests,
    requests / nullIf(sum(requests) OVER (), 0) AS share,
    toFloat64(sum(Cost)) AS cost,
    sum(OutputTokens) AS output_tokens,
    uniqExactIf(UserId, UserId != '') AS users,
    uniqExact(toDate(toTimeZone(Hour, {timezone:String}))) AS active_days,
    requests / active_days AS requests_per_active_day
FROM cost_hourly
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
    weekday,
    hour
ORDER BY
    weekday,
    hour
LIMIT {limit:UInt32}
