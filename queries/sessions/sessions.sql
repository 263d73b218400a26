/*
question = "Which sessions were there, who ran them, and what did each cost and do?"
filters = ["user", "team", "project", "model", "session", "terminal", "version"]
tables = ["sessions", "session_models_priced", "session_archives"]
limit = { default = 1000, max = 10000 }
cache = "10s"

[params.sort]
type = "enum"
values = ["start", "cost", "duration"]
default = "start"
help = "the latest, the dearest or the longest first"

[cursor]
start = "DateTime64(3, 'UTC')"
cost = "Float64"
duration_s = "Float64"
session = "String"

[columns]
session = "the session's id"
user = "who ran it"
team = "the user's team"
start = "time of the first event"
end = "time of the last event"
duration_s = "seconds from the first event to the last"
events = "log events"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; null where no price is known"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
tools = "tool calls that ran to a result"
tool_errors = "tool calls that failed"
api_errors = "API requests that failed for good"
models = "models that answered"
archived = "whether the archive holds every event stored so far"
project = "what was worked on"
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
    )
SELECT
    session,
    user,
    team,
    start,
    end,
    duration_s,
    events,
    requests,
    cost,
    if(requests = 0, 0, priced.cost_list) AS cost_list,
    input_tokens,
    output_tokens,
    tools,
    tool_errors,
    api_errors,
    models,
    toBool(archives.ingested_up_to >= last_ingested_at) AS archived,
    project
FROM
(
    SELECT
        SessionId AS session,
        toString(max(UserId)) AS user,
        toString(max(TeamId)) AS team,
        toString(max(Project)) AS project,
        toDateTime64(min(Start), 3, 'UTC') AS start,
        toDateTime64(max(End), 3, 'UTC') AS end,
        dateDiff('millisecond', min(Start), max(End)) / 1000 AS duration_s,
        sum(Events) AS events,
        sum(Requests) AS requests,
        toFloat64(sum(Cost)) AS cost,
        sum(InputTokens) AS input_tokens,
        sum(OutputTokens) AS output_tokens,
        sum(Tools) AS tools,
        sum(ToolErrors) AS tool_errors,
        sum(ApiErrors) AS api_errors,
        arraySort(groupUniqArrayArray(Models)) AS models,
        max(LastIngestedAt) AS last_ingested_at
    FROM sessions
    INNER JOIN in_range USING (SessionId)
    WHERE TenantId = {tenant:String}
        AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
        AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    GROUP BY SessionId
    HAVING (empty({user:Array(String)}) OR user IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR team IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR project IN {project:Array(String)})
        AND (empty({model:Array(String)}) OR hasAny(models, {model:Array(String)}))
        AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
-- @when sort = start
        AND (
            NOT {after:Bool}
            OR start < {after_start:DateTime64(3, 'UTC')}
            OR (start = {after_start:DateTime64(3, 'UTC')} AND session > {after_session:String})
        )
-- @end
-- @when sort = cost
        AND (
            NOT {after:Bool}
            OR cost < {after_cost:Float64}
            OR (cost = {after_cost:Float64} AND session > {after_session:String})
        )
-- @end
-- @when sort = duration
        AND (
            NOT {after:Bool}
            OR duration_s < {after_duration_s:Float64}
            OR (duration_s = {after_duration_s:Float64} AND session > {after_session:String})
        )
-- @end
) AS figures
LEFT JOIN
(
    SELECT
        SessionId,
        round(sum(CostList), 9) AS cost_list
    FROM session_models_priced
    INNER JOIN in_range USING (SessionId)
    WHERE TenantId = {tenant:String}
        AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
        AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    GROUP BY SessionId
) AS priced ON priced.SessionId = figures.session
LEFT JOIN
(
    SELECT
        SessionId,
        argMax(IngestedUpTo, ArchivedAt) AS ingested_up_to
    FROM session_archives
    WHERE TenantId = {tenant:String}
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    GROUP BY SessionId
) AS archives ON archives.SessionId = figures.session
ORDER BY
-- @when sort = start
    start DESC,
-- @end
-- @when sort = cost
    cost DESC,
-- @end
-- @when sort = duration
    duration_s DESC,
-- @end
    session
LIMIT {limit:UInt32}
