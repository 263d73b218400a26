/*
question = "Which events never arrived?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs", "sessions"]
limit = { default = 1000, max = 10000 }
cache = "60s"

[params.gaps_only]
type = "bool"
default = false
help = "leave out what arrived completely"

# A client's process numbers its events. It goes on over /clear, so that a session may begin above 0, and a session that is
# resumed has a second process that begins anew: that is taken for one where the numbers fall by more than 20, since events of
# one process may be stamped a little out of order. What is lost before the first or after the last event cannot be seen.
[columns]
session = "the session's id"
user = "who ran it"
process = "the client's process within the session, from 1"
start = "time of the process's first event in the session"
end = "time of its last"
first_sequence = "the lowest number"
last_sequence = "the highest number"
expected = "numbers from the lowest to the highest"
received = "different numbers that arrived"
missing = "expected - received"
duplicates = "events with a number that had arrived before"
completeness = "received / expected, 0 to 1"
gaps = "the first twenty gaps, each from the first missing number to the last"
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
    (
        SELECT (min(Start), max(End))
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
            AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
            AND SessionId IN (in_range)
    ) AS bounds
SELECT
    SessionId AS session,
    toString(max(UserId)) AS user,
    process,
    toDateTime64(min(Timestamp), 3, 'UTC') AS start,
    toDateTime64(max(Timestamp), 3, 'UTC') AS end,
    min(Sequence) AS first_sequence,
    max(Sequence) AS last_sequence,
    toUInt64(last_sequence - first_sequence + 1) AS expected,
    uniqExact(Sequence) AS received,
    toUInt64(expected - received) AS missing,
    toUInt64(count() - received) AS duplicates,
    received / expected AS completeness,
    arrayMap(
        gap -> if(gap.1 = gap.2, toString(gap.1), concat(toString(gap.1), '-', toString(gap.2))),
        arraySlice(
            arrayFilter(
                gap -> gap.1 <= gap.2,
                arrayMap(
                    (before, after) -> (before + 1, after - 1),
                    arrayPopBack(arraySort(groupUniqArray(Sequence)) AS numbers),
                    arrayPopFront(numbers))),
            1,
            20)) AS gaps
FROM
(
    SELECT
        SessionId,
        UserId,
        Timestamp,
        Sequence,
        toUInt64(sum(begins) OVER (
            PARTITION BY SessionId ORDER BY Timestamp, Sequence ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) AS process
    FROM
    (
        SELECT
            SessionId,
            UserId,
            Timestamp,
            Sequence,
            -- Agents that do not number their events have 0 throughout.
            max(Sequence) OVER (PARTITION BY SessionId) AS highest,
            row_number() OVER in_order = 1
                OR lagInFrame(Sequence) OVER in_order > Sequence + 20
                OR (Sequence = 0 AND lagInFrame(Sequence) OVER in_order > 0) AS begins
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND Timestamp >= bounds.1
            AND toStartOfHour(Timestamp) > bounds.1 - toIntervalHour(1)
            AND Timestamp <= bounds.2
            AND toStartOfHour(Timestamp) <= bounds.2
            AND SessionId IN (in_range)
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
        WINDOW in_order AS
        (
            PARTITION BY SessionId
            ORDER BY Timestamp, Sequence
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    )
    WHERE highest > 0
)
GROUP BY
    SessionId,
    process
HAVING NOT {gaps_only:Bool}
    OR missing > 0
ORDER BY
    missing DESC,
    start,
    session,
    process
LIMIT {limit:UInt32}
