/*
question = "What do a thousand added lines of code cost?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["cost_hourly_priced", "otel_metrics_sum"]
limit = { default = 1000, max = 10000 }
cache = "60s"

[params.by]
type = "enum"
values = ["none", "user", "team", "project", "model"]
default = "none"
help = "one row in all, or one per user and so on"

[columns]
name = "the user, team, project or model; only when by is not none"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; models without a known price are left out, null if that is all of them"
lines_added = "lines of code added, as the client counted them"
lines_removed = "lines of code removed"
cost_per_1k_lines = "USD: cost / lines_added * 1000; null where no line was added"
lines_per_usd = "lines_added / cost; null without cost"
*/
WITH
    -- As in the column Model of the tables that have one.
    spelled -> replaceRegexpOne(replaceRegexpOne(
        spelled,
        '\\[[^\\[\\]]*\\]$', ''),
        '(?s)^(?:.*anthropic[./])?(claude-.*?)(?:-20[0-9]{6}|@[a-z0-9]+)?(?:-v[0-9]+(?::[0-9]+)?)?$', '\\1') AS bare_model
SELECT
-- @when by = user, team, project, model
    coalesce(nullIf(costs.name, ''), lines.name) AS name,
-- @end
    costs.cost AS cost,
    if(costs.requests = 0, 0, costs.cost_list) AS cost_list,
    toUInt64(round(lines.added)) AS lines_added,
    toUInt64(round(lines.removed)) AS lines_removed,
    cost / nullIf(lines.added, 0) * 1000 AS cost_per_1k_lines,
    lines.added / nullIf(cost, 0) AS lines_per_usd
FROM
(
    SELECT
-- @when by = none
        '' AS name,
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
-- @when by = model
        Model AS name,
-- @end
        sum(Requests) AS requests,
        toFloat64(sum(Cost)) AS cost,
        round(sum(CostList), 9) AS cost_list
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
    GROUP BY name
) AS costs
FULL OUTER JOIN
(
    SELECT
-- @when by = none
        '' AS name,
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
-- @when by = model
        model AS name,
-- @end
        sumIf(increase, kind = 'added') AS added,
        sumIf(increase, kind = 'removed') AS removed
    FROM
    (
        SELECT *
        FROM
        (
            SELECT
                TimeUnix,
                SessionId,
                UserId,
                TeamId,
                Project,
                Attributes['type'] AS kind,
                bare_model(Attributes['model']) AS model,
                -- A delta point is what was added. A cumulative one is a running total, of which the rise over the point before
                -- counts; that point is looked for up to a day before the range.
                multiIf(
                    AggregationTemporality != 2, Value,
                    row_number() OVER series > 1,
                        if(Value < lagInFrame(Value) OVER series, Value, Value - lagInFrame(Value) OVER series),
                    StartTimeUnix >= toStartOfHour({from:DateTime64(9, 'UTC')}) - toIntervalDay(1), Value,
                    0) AS increase
            FROM otel_metrics_sum
            WHERE TenantId = {tenant:String}
                AND MetricName = 'claude_code.lines_of_code.count'
                AND TimeUnix >= toStartOfHour({from:DateTime64(9, 'UTC')}) - toIntervalDay(1)
                AND toStartOfHour(TimeUnix) > toStartOfHour({from:DateTime64(9, 'UTC')}) - toIntervalDay(1) - toIntervalHour(1)
                AND (AggregationTemporality = 2 OR TimeUnix >= toStartOfHour({from:DateTime64(9, 'UTC')}))
                AND TimeUnix < {to:DateTime64(9, 'UTC')}
                AND toStartOfHour(TimeUnix) < {to:DateTime64(9, 'UTC')}
                AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
                AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
                AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
                AND (empty({model:Array(String)}) OR bare_model(Attributes['model']) IN {model:Array(String)})
                AND (empty({terminal:Array(String)}) OR Attributes['terminal.type'] IN {terminal:Array(String)})
                AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
            WINDOW series AS
            (
                PARTITION BY SessionId, StartTimeUnix, cityHash64(toString(Attributes))
                ORDER BY TimeUnix
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        )
        WHERE TimeUnix >= toStartOfHour({from:DateTime64(9, 'UTC')})
    )
    GROUP BY name
) AS lines ON lines.name = costs.name
ORDER BY
    cost DESC,
    lines_added DESC
-- @when by = user, team, project, model
    , name
-- @end
LIMIT {limit:UInt32}
