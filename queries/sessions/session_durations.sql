/*
question = "How long do sessions last?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["sessions"]
cache = "60s"

[columns]
class = "the class of duration, in words"
from_s = "lower bound of the class in seconds, inclusive, to sort by"
sessions = "sessions under way in the range that lasted so long, from their first event to their last"
total_sessions = "sessions of all classes"
share = "sessions / total_sessions, 0 to 1"
avg_s = "mean duration in seconds"
without_tools = "sessions without a tool call: asked and left"
cost = "USD, as the client reported it"
avg_cost = "USD, mean of a session"
*/
WITH
    in_range AS
    (
        SELECT SessionId
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND Day >= toDate({from:DateTime64(9, 'UTC')})
            AND Day <= toDate({to:DateTime64(9, 'UTC')})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        GROUP BY SessionId
        HAVING max(End) >= {from:DateTime64(9, 'UTC')}
            AND min(Start) < {to:DateTime64(9, 'UTC')}
    ),
    [0, 60, 300, 900, 1800, 3600, 7200, 28800] AS bounds,
    [
        'under 1 minute', '1 to 5 minutes', '5 to 15 minutes', '15 to 30 minutes',
        '30 to 60 minutes', '1 to 2 hours', '2 to 8 hours', 'over 8 hours'
    ] AS names
SELECT
    names[indexOf(bounds, from_s)] AS class,
    arrayLast(bound -> duration_s >= bound, bounds) AS from_s,
    count() AS sessions,
    sum(sessions) OVER () AS total_sessions,
    sessions / total_sessions AS share,
    round(avg(duration_s), 3) AS avg_s,
    countIf(tools = 0) AS without_tools,
    toFloat64(sum(spent)) AS cost,
    cost / sessions AS avg_cost
FROM
(
    SELECT
        SessionId,
        dateDiff('millisecond', min(Start), max(End)) / 1000 AS duration_s,
        sum(Tools) AS tools,
        sum(Cost) AS spent
    FROM sessions
    WHERE TenantId = {tenant:String}
        AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
        AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
        AND SessionId IN (in_range)
    GROUP BY SessionId
    HAVING (empty({user:Array(String)}) OR max(UserId) IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR max(TeamId) IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR max(Project) IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR hasAny(groupUniqArrayArray(Models), {model:Array(String)}))
        AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
)
GROUP BY from_s
ORDER BY from_s
