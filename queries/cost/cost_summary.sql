/*
question = "What did it cost in total, and how much more or less than in the period before?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced", "sessions"]
cache = "10s"

[columns]
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; models without a known price are left out, null if that is all of them"
requests = "API requests that were answered"
sessions = "sessions under way in the range"
users = "users with at least one request"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
cache_read_tokens = "tokens read from the cache"
cache_creation_tokens = "tokens written to the cache"
cost_before = "USD in the period of the same length just before"
change = "(cost - cost_before) / cost_before; null without cost before"
cost_per_day = "USD per 24 hours of the range"
priced_requests = "requests for whose model a price was known on their day; cost_list is theirs"
cost_priced = "USD of those requests, as the client reported it; what cost_list compares with"
*/
WITH
    dateDiff('second', {from:DateTime64(9, 'UTC')}, {to:DateTime64(9, 'UTC')}) AS seconds,
    greatest({from:DateTime64(9, 'UTC')} - toIntervalSecond(seconds), toDateTime64(0, 9, 'UTC')) AS before,
    Hour >= toStartOfHour({from:DateTime64(9, 'UTC')}) AS now
SELECT
    costs.cost AS cost,
    costs.cost_list AS cost_list,
    costs.requests AS requests,
    under_way.sessions AS sessions,
    costs.users AS users,
    costs.input_tokens AS input_tokens,
    costs.output_tokens AS output_tokens,
    costs.cache_read_tokens AS cache_read_tokens,
    costs.cache_creation_tokens AS cache_creation_tokens,
    costs.cost_before AS cost_before,
    (costs.cost - costs.cost_before) / nullIf(costs.cost_before, 0) AS change,
    costs.cost * 86400 / nullIf(seconds, 0) AS cost_per_day,
    costs.priced_requests AS priced_requests,
    costs.cost_priced AS cost_priced
FROM
(
    SELECT
        toFloat64(sumIf(Cost, now)) AS cost,
        sumIf(Requests, now) AS requests,
        if(requests = 0, 0, round(sumIf(CostList, now), 9)) AS cost_list,
        uniqExactIf(UserId, now AND UserId != '') AS users,
        sumIf(InputTokens, now) AS input_tokens,
        sumIf(OutputTokens, now) AS output_tokens,
        sumIf(CacheReadTokens, now) AS cache_read_tokens,
        sumIf(CacheCreationTokens, now) AS cache_creation_tokens,
        toFloat64(sumIf(Cost, NOT now)) AS cost_before,
        sumIf(Requests, now AND CostList IS NOT NULL) AS priced_requests,
        toFloat64(sumIf(Cost, now AND CostList IS NOT NULL)) AS cost_priced
    FROM cost_hourly_priced
    WHERE TenantId = {tenant:String}
        AND Hour >= toStartOfHour(before)
        AND Hour < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
        AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
) AS costs
CROSS JOIN
(
    SELECT count() AS sessions
    FROM
    (
        SELECT SessionId
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND Day >= toDate({from:DateTime64(9, 'UTC')})
            AND Day <= toDate({to:DateTime64(9, 'UTC')})
        GROUP BY SessionId
        HAVING max(End) >= {from:DateTime64(9, 'UTC')}
            AND min(Start) < {to:DateTime64(9, 'UTC')}
            AND (empty({user:Array(String)}) OR max(UserId) IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR max(TeamId) IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR max(Project) IN {project:Array(String)})
            AND (empty({model:Array(String)}) OR hasAny(groupUniqArrayArray(Models), {model:Array(String)}))
            AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
    )
) AS under_way
