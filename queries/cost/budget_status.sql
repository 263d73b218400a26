/*
question = "How much of the month's budget is spent, where will the month end, and on which day is the budget used up?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
cache = "60s"

# The month (UTC) is the one that the range ends in; the start of the range does not matter.
[params.budget]
type = "float"
min = 0.01
max = 1000000000.0
help = "USD for a calendar month"

[columns]
month = "first day of the month (UTC)"
budget = "USD for the month"
spent = "USD so far, as the client reported it"
spent_list = "USD so far, recomputed from tokens and list prices; models without a known price are left out"
spent_share = "spent / budget; above 1 once the budget is used up"
remaining = "USD: budget - spent"
days_elapsed = "days of the month that have passed"
days_in_month = "days of the month"
cost_per_day = "spent / days_elapsed"
projected = "USD at the end of the month if it goes on like this"
projected_share = "projected / budget"
used_up_on = "the day (UTC) on which the budget was used up or will be at this rate; null if not this month"
status = "over once the budget is used up, at_risk if it will be before the month ends, else within"
*/
WITH
    toStartOfMonth(subtractNanoseconds({to:DateTime64(9, 'UTC')}, 1)) AS month,
    toDateTime(month, 'UTC') AS since,
    toDateTime(addMonths(month, 1), 'UTC') AS until
SELECT
    month,
    {budget:Float64} AS budget,
    arrayCumSum(costs)[-1] AS spent,
    list AS spent_list,
    spent / budget AS spent_share,
    budget - spent AS remaining,
    dateDiff('second', since, {to:DateTime64(9, 'UTC')}) / 86400 AS days_elapsed,
    toUInt64(dateDiff('day', since, until)) AS days_in_month,
    spent / nullIf(days_elapsed, 0) AS cost_per_day,
    cost_per_day * days_in_month AS projected,
    projected / budget AS projected_share,
    multiIf(
        spent >= budget,
            arrayElement(days, arrayFirstIndex(total -> total >= budget, arrayCumSum(costs))),
        ifNull(projected, 0) >= budget,
            toDate({to:DateTime64(9, 'UTC')} + toIntervalSecond(toInt64(remaining / assumeNotNull(cost_per_day) * 86400))),
        NULL) AS used_up_on,
    multiIf(spent >= budget, 'over', used_up_on IS NOT NULL, 'at_risk', 'within') AS status
FROM
(
    SELECT
        arrayMap(pair -> pair.1, pairs) AS days,
        arrayMap(pair -> pair.2, pairs) AS costs,
        arraySort(groupArray((day, cost))) AS pairs,
        round(ifNull(sum(cost_list), 0), 9) AS list
    FROM
    (
        SELECT
            toDate(Hour) AS day,
            toFloat64(sum(Cost)) AS cost,
            sum(CostList) AS cost_list
        FROM cost_hourly_priced
        WHERE TenantId = {tenant:String}
            AND Hour >= since
            AND Hour < {to:DateTime64(9, 'UTC')}
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
            AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
        GROUP BY day
    )
)
