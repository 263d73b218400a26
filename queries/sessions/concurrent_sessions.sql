/*
question = "How many sessions run at the same time?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["sessions"]
limit = { default = 10000, max = 100000 }
cache = "10s"

[params.step_minutes]
type = "uint"
default = 5
min = 1
max = 1440
help = "the width of the time axis in minutes; a session counts in each step that it touches"

# A session runs from its first event of a day (UTC) to its last one; a pause within the day is not told apart.
[columns]
time = "start of the step (UTC)"
sessions = "sessions that ran in it"
users = "users whose sessions ran in it"
*/
SELECT
    toDateTime(step * {step_minutes:UInt64} * 60, 'UTC') AS time,
    uniqExact(session) AS sessions,
    uniqExactIf(user, user != '') AS users
FROM
(
    SELECT
        SessionId AS session,
        toString(max(UserId)) AS user,
        greatest(min(Start), {from:DateTime64(9, 'UTC')}) AS began,
        least(max(End), subtractNanoseconds({to:DateTime64(9, 'UTC')}, 1)) AS ended
    FROM sessions
    WHERE TenantId = {tenant:String}
        AND Day >= toDate({from:DateTime64(9, 'UTC')})
        AND Day <= toDate({to:DateTime64(9, 'UTC')})
    GROUP BY
        SessionId,
        Day
    HAVING began <= ended
        AND (empty({user:Array(String)}) OR max(UserId) IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR max(TeamId) IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR max(Project) IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
)
ARRAY JOIN range(
    intDiv(toUnixTimestamp(began), {step_minutes:UInt64} * 60),
    intDiv(toUnixTimestamp(ended), {step_minutes:UInt64} * 60) + 1) AS step
GROUP BY time
ORDER BY time WITH FILL STEP toIntervalMinute({step_minutes:UInt64})
LIMIT {limit:UInt32}
