/*
question = "How many hours would a developer have needed to write the lines that were added?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_metrics_sum"]
limit = { default = 1000, max = 10000 }
cache = "60s"

[params.by]
type = "enum"
values = ["none", "user", "team", "project"]
default = "none"
help = "all together, or each user, team or project"

[params.lines_per_hour]
type = "float"
default = 75.0
min = 0.1
max = 100000.0
help = "lines that a developer writes in an hour"

[columns]
name = "the user, team or project; only when by is not none"
lines_added = "lines of code added, as the client counted them"
hours = "lines_added / lines_per_hour"
days = "hours / 8"
active_hours = "hours in which the user or the agent was at work, as the client counted them"
saved_hours = "hours - active_hours; below 0 where the work took longer"
speed = "hours / active_hours; null without active time"
*/
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
    toUInt64(round(sumIf(increase, MetricName = 'claude_code.lines_of_code.count' AND kind = 'added'))) AS lines_added,
    lines_added / {lines_per_hour:Float64} AS hours,
    hours / 8 AS days,
    sumIf(increase, MetricName = 'claude_code.active_time.total') / 3600 AS active_hours,
    hours - active_hours AS saved_hours,
    hours / nullIf(active_hours, 0) AS speed
FROM
(
    SELECT *
    FROM
    (
        SELECT
            MetricName,
            TimeUnix,
            SessionId,
            UserId,
            TeamId,
            Project,
            Attributes['type'] AS kind,
            -- A delta point is what was added. A cumulative one is a running total, of which the rise over the point before
            -- counts; that point is looked for up to a day before the range.
            multiIf(
                AggregationTemporality != 2, Value,
                row_number() OVER series > 1,
                    if(Value < lagInFrame(Value) OVER series, Value, Value - lagInFrame(Value) OVER series),
                StartTimeUnix >= {from:DateTime64(9, 'UTC')} - toIntervalDay(1), Value,
                0) AS increase
        FROM otel_metrics_sum
        WHERE TenantId = {tenant:String}
            AND MetricName IN ('claude_code.lines_of_code.count', 'claude_code.active_time.total')
            AND TimeUnix >= {from:DateTime64(9, 'UTC')} - toIntervalDay(1)
            AND toStartOfHour(TimeUnix) > {from:DateTime64(9, 'UTC')} - toIntervalDay(1) - toIntervalHour(1)
            AND (AggregationTemporality = 2 OR TimeUnix >= {from:DateTime64(9, 'UTC')})
            AND TimeUnix < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(TimeUnix) < {to:DateTime64(9, 'UTC')}
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR Attributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
        WINDOW series AS
        (
            PARTITION BY MetricName, SessionId, StartTimeUnix, cityHash64(toString(Attributes))
            ORDER BY TimeUnix
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    )
    WHERE TimeUnix >= {from:DateTime64(9, 'UTC')}
)
GROUP BY ALL
ORDER BY
    lines_added DESC
-- @when by = user, team, project
    , name
-- @end
LIMIT {limit:UInt32}
