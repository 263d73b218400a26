/*
question = "How long does the agent work for each second that the user does?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_metrics_sum"]
limit = { default = 5000, max = 50000 }
cache = "60s"

[params.by]
type = "enum"
values = ["none", "user", "team", "project"]
default = "none"
help = "all together, or each user, team or project"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "the range as a whole, or each hour or day (UTC)"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
name = "the user, team or project; only when by is not none"
agent_s = "seconds in which the agent was at work, as the client counted them"
user_s = "seconds in which the user was; sessions without a terminal have none"
ratio = "agent_s / user_s; null without user time"
sessions = "sessions with active time"
*/
SELECT
-- @when bucket = hour
    toStartOfHour(toDateTime(TimeUnix, 'UTC')) AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(toDateTime(TimeUnix, 'UTC')) AS bucket,
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
    round(sumIf(increase, kind = 'cli'), 3) AS agent_s,
    round(sumIf(increase, kind = 'user'), 3) AS user_s,
    agent_s / nullIf(user_s, 0) AS ratio,
    uniqExactIf(SessionId, SessionId != '' AND increase > 0) AS sessions
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
            AND MetricName = 'claude_code.active_time.total'
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
            PARTITION BY SessionId, StartTimeUnix, cityHash64(toString(Attributes))
            ORDER BY TimeUnix
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    )
    WHERE TimeUnix >= {from:DateTime64(9, 'UTC')}
)
GROUP BY ALL
ORDER BY
-- @when bucket = hour, day
    bucket,
-- @end
    agent_s DESC,
-- @when by = user, team, project
    name,
-- @end
    user_s
LIMIT {limit:UInt32}
