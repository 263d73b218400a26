/*
question = "Which sessions cost far more than the others, and by how much?"
# session narrows the answer alone; the others also choose the sessions that one is compared with.
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["sessions"]
limit = { default = 100, max = 10000 }
cache = "60s"

[params.k]
type = "float"
default = 2.0
min = 1.0
max = 100.0
help = "a session that costs more than k times the mean is reported"

[params.min_score]
type = "float"
default = 3.5
min = 1.0
max = 1000.0
help = "a session with a higher robust score is reported; 3.5 is the usual bound"

[columns]
session = "the session's id"
user = "who ran it"
cost = "USD of the whole session, as the client reported it"
mean = "USD, mean over the sessions under way in the range that made a request"
ratio = "cost / mean"
score = "0.6745 * (cost - median) / median absolute deviation; null where more than half of the sessions cost the same"
reason = "which bounds were passed, with the figures they were measured by"
*/
WITH
    in_range AS
    (
        SELECT SessionId
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND Day >= toDate({from:DateTime64(9, 'UTC')})
            AND Day <= toDate({to:DateTime64(9, 'UTC')})
        GROUP BY SessionId
        HAVING max(End) >= {from:DateTime64(9, 'UTC')}
            AND min(Start) < {to:DateTime64(9, 'UTC')}
    ),
    costs AS
    (
        SELECT
            SessionId AS session,
            toString(max(UserId)) AS user,
            toFloat64(sum(Cost)) AS cost
        FROM sessions
        INNER JOIN in_range USING (SessionId)
        WHERE TenantId = {tenant:String}
            AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
            AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
        GROUP BY SessionId
        HAVING sum(Requests) > 0
            AND (empty({user:Array(String)}) OR max(UserId) IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR max(TeamId) IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR max(Project) IN {project:Array(String)})
            AND (empty({model:Array(String)}) OR hasAny(groupUniqArrayArray(Models), {model:Array(String)}))
            AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
    ),
    centred AS
    (
        SELECT
            session,
            user,
            cost,
            count() OVER () AS sessions,
            avg(cost) OVER () AS mean,
            quantileExactInclusive(0.5)(cost) OVER () AS median
        FROM costs
    ),
    spread AS
    (
        SELECT
            session,
            user,
            cost,
            sessions,
            mean,
            median,
            quantileExactInclusive(0.5)(abs(cost - median)) OVER () AS deviation
        FROM centred
    )
SELECT
    session,
    user,
    cost,
    round(mean, 9) AS mean,
    round(cost / nullIf(spread.mean, 0), 3) AS ratio,
    -- 0.6745 makes the deviation of a normal distribution count as one standard deviation.
    round(0.6745 * (cost - median) / nullIf(deviation, 0), 3) AS score,
    arrayStringConcat(
        arrayFilter(
            x -> x != '',
            [
                if(
                    cost > {k:Float64} * spread.mean,
                    concat(
                        toString(round(ratio, 1)), ' times the mean of ',
                        toString(sessions), ' sessions ($', toDecimalString(spread.mean, 2), ')'),
                    ''),
                if(
                    ifNull(score, 0) > {min_score:Float64},
                    concat(
                        'robust score ', toString(round(assumeNotNull(score), 1)), ' over ', toString({min_score:Float64}),
                        ' (median $', toDecimalString(median, 2), ', deviation $', toDecimalString(deviation, 2), ')'),
                    '')
            ]),
        '; ') AS reason
FROM spread
WHERE reason != ''
    AND (empty({session:Array(String)}) OR session IN {session:Array(String)})
ORDER BY
    cost DESC,
    session
LIMIT {limit:UInt32}
