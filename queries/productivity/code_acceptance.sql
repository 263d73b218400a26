/*
question = "How many of the proposed edits are accepted?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_metrics_sum"]
limit = { default = 5000, max = 50000 }
cache = "60s"

[params.by]
type = "enum"
values = ["none", "user", "team", "project", "language", "tool", "source"]
default = "none"
help = "all together, or each user and so on; source is who decided"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "none"
help = "the range as a whole, or each hour or day (UTC)"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
name = "the user, team, project, language, tool or source; only when by is not none"
accepted = "edits that were accepted"
rejected = "edits that were rejected"
decisions = "accepted and rejected together"
acceptance_rate = "accepted / decisions, 0 to 1"
rating = "good from 0.8, fair from 0.6, else poor; null without decisions"
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
-- @when by = language
    language AS name,
-- @end
-- @when by = tool
    tool AS name,
-- @end
-- @when by = source
    source AS name,
-- @end
    toUInt64(round(sumIf(increase, decision = 'accept'))) AS accepted,
    toUInt64(round(sumIf(increase, decision = 'reject'))) AS rejected,
    accepted + rejected AS decisions,
    accepted / nullIf(decisions, 0) AS acceptance_rate,
    multiIf(acceptance_rate IS NULL, NULL, acceptance_rate >= 0.8, 'good', acceptance_rate >= 0.6, 'fair', 'poor') AS rating
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
            Attributes['decision'] AS decision,
            Attributes['language'] AS language,
            Attributes['tool_name'] AS tool,
            Attributes['source'] AS source,
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
            AND MetricName = 'claude_code.code_edit_tool.decision'
            AND TimeUnix >= {from:DateTime64(9, 'UTC')} - toIntervalDay(1)
            AND toStartOfHour(TimeUnix) > {from:DateTime64(9, 'UTC')} - toIntervalDay(1) - toIntervalHour(1)
            AND (AggregationTemporality = 2 OR TimeUnix >= {from:DateTime64(9, 'UTC')})
            AND TimeUnix < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(TimeUnix) < {to:DateTime64(9, 'UTC')}
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({tool:Array(String)}) OR Attributes['tool_name'] IN {tool:Array(String)})
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
    decisions DESC,
-- @when by = user, team, project, language, tool, source
    name,
-- @end
    accepted
LIMIT {limit:UInt32}
