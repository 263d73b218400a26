/*
question = "How long does a session take to get an answer again after a failed API request, and which never did?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "60s"

# An incident is a run of failed requests, up to the session's next answer within the range.
[columns]
session = "the session's id"
user = "who ran it"
project = "what was worked on"
incidents = "runs of failed requests"
failed_requests = "failed requests in all of them"
recovered = "incidents that an answer followed"
unrecovered = "1 where the last incident had no answer after it, else 0"
recovery_rate = "recovered / incidents, 0 to 1"
avg_recovery_s = "mean seconds from an incident's first failure to the answer"
max_recovery_s = "longest such time in seconds"
avg_failed_requests = "failed requests for each incident"
first_error = "time of the first failure"
last_error = "time of the last failure"
last_message = "text of the last failure"
*/
WITH
    requests AS
    (
        SELECT
            SessionId,
            UserId,
            Project,
            Timestamp,
            AgentEvent = 'api_error' AS failure,
            error,
            -- How many answers came before: the failures between two answers share it.
            countIf(AgentEvent = 'api_request') OVER (
                PARTITION BY SessionId ORDER BY Timestamp, Sequence ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS answers
        FROM
        (
            SELECT
                SessionId,
                UserId,
                Project,
                Timestamp,
                Sequence,
                AgentEvent,
                substringUTF8(LogAttributes['error'], 1, 300) AS error
            FROM otel_logs
            WHERE TenantId = {tenant:String}
                AND AgentEvent = 'api_error'
                AND Timestamp >= {from:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                AND Timestamp < {to:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
                AND SessionId != ''
                AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
                AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
                AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
                AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
                AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
                AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
            UNION ALL
            SELECT
                SessionId,
                UserId,
                Project,
                Timestamp,
                Sequence,
                AgentEvent,
                '' AS error
            FROM otel_logs
            WHERE TenantId = {tenant:String}
                AND AgentEvent = 'api_request'
                AND Timestamp >= {from:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                AND Timestamp < {to:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
                AND SessionId IN
                (
                    SELECT SessionId
                    FROM otel_logs
                    WHERE TenantId = {tenant:String}
                        AND AgentEvent = 'api_error'
                        AND Timestamp >= {from:DateTime64(9, 'UTC')}
                        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                        AND Timestamp < {to:DateTime64(9, 'UTC')}
                        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
                        AND SessionId != ''
                        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
                        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
                        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
                        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
                        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
                        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
                )
        )
    ),
    incidents AS
    (
        SELECT
            SessionId,
            max(UserId) AS owner,
            max(Project) AS worked_on,
            answers,
            countIf(failure) AS failures,
            minIf(Timestamp, failure) AS began,
            maxIf(Timestamp, failure) AS ended,
            argMaxIf(error, Timestamp, failure) AS message,
            leadInFrame(minIf(Timestamp, NOT failure)) OVER (
                PARTITION BY SessionId ORDER BY answers ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS answered_at,
            count() OVER (PARTITION BY SessionId ORDER BY answers ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > 0 AS answered
        FROM requests
        GROUP BY
            SessionId,
            answers
    )
SELECT
    SessionId AS session,
    max(owner) AS user,
    max(worked_on) AS project,
    count() AS incidents,
    sum(failures) AS failed_requests,
    countIf(answered) AS recovered,
    toUInt64(incidents - recovered) AS unrecovered,
    recovered / incidents AS recovery_rate,
    round(sumIf(dateDiff('millisecond', began, answered_at), answered) / nullIf(recovered, 0) / 1000, 3) AS avg_recovery_s,
    if(recovered = 0, NULL, maxIf(dateDiff('millisecond', began, answered_at), answered) / 1000) AS max_recovery_s,
    failed_requests / incidents AS avg_failed_requests,
    toDateTime64(min(began), 3, 'UTC') AS first_error,
    toDateTime64(max(ended), 3, 'UTC') AS last_error,
    argMax(message, ended) AS last_message
FROM incidents
WHERE failures > 0
GROUP BY SessionId
ORDER BY
    unrecovered DESC,
    max_recovery_s DESC NULLS LAST,
    session
LIMIT {limit:UInt32}
