/*
question = "Where does the reported cost differ from list prices, by model and client version?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced"]
limit = { default = 1000, max = 10000 }
cache = "60s"

[columns]
model = "the model, by the one name that all its spellings have"
version = "the client's version"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
priced_requests = "requests for whose model a price was known on their day; only these are compared"
cost_priced = "USD of those requests, as the client reported it"
cost_list = "USD of those requests, recomputed from tokens and list prices; null where no price is known"
difference = "USD: cost_priced - cost_list"
drift = "difference / cost_list; above 0 where the client reports more than the list says"
*/
SELECT
    Model AS model,
    Version AS version,
    sum(Requests) AS requests,
    toFloat64(sum(Cost)) AS cost,
    sumIf(Requests, CostList IS NOT NULL) AS priced_requests,
    toFloat64(sumIf(Cost, CostList IS NOT NULL)) AS cost_priced,
    round(sum(CostList), 9) AS cost_list,
    round(cost_priced - cost_list, 9) AS difference,
    round(difference / nullIf(cost_list, 0), 9) AS drift
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
    model,
    version
ORDER BY
    abs(ifNull(difference, 0)) DESC,
    cost DESC,
    model,
    version
LIMIT {limit:UInt32}
