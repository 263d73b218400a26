/*
question = "Who uses the agents, how often and how much?"
filters = ["user", "team", "project", "model", "terminal", "version"]
tables = ["sessions", "session_models_priced"]
limit = { default = 1000, max = 10000 }
cache = "60s"

[columns]
user = "the user; empty where the client did not say"
teams = "teams that the user's sessions ran in"
projects = "projects that were worked on"
sessions = "sessions under way in the range, summed whole"
active_days = "days (UTC) in the range with an event"
first_seen = "time of the first event of these sessions"
last_seen = "time of their last event"
avg_session_s = "mean seconds from a session's first event to its last"
prompts = "prompts; a background agent's report, which comes as one, is left out where the client sends its text"
requests = "API requests that were answered"
cost = "USD, as the client reported it"
cost_list = "USD, recomputed from tokens and list prices; models without a known price are left out, null if that is all of them"
input_tokens = "tokens sent, cached ones not included"
output_tokens = "tokens generated"
tools = "tool calls that ran to a result"
tool_errors = "tool calls that failed"
api_errors = "API requests that failed for good"
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
    )
SELECT
    user,
    arraySort(groupUniqArrayIf(team, team != '')) AS teams,
    arraySort(groupUniqArrayIf(project, project != '')) AS projects,
    count() AS sessions,
    length(arrayDistinct(arrayFlatten(groupArray(days)))) AS active_days,
    toDateTime64(min(began), 3, 'UTC') AS first_seen,
    toDateTime64(max(ended), 3, 'UTC') AS last_seen,
    round(avg(dateDiff('millisecond', began, ended)) / 1000, 3) AS avg_session_s,
    sum(asked) AS prompts,
    sum(answered) AS requests,
    toFloat64(sum(spent)) AS cost,
    if(requests = 0, 0, round(sum(priced.list), 9)) AS cost_list,
    sum(input) AS input_tokens,
    sum(output) AS output_tokens,
    sum(called) AS tools,
    sum(failed) AS tool_errors,
    sum(unanswered) AS api_errors
FROM
(
    SELECT
        SessionId AS session,
        toString(max(UserId)) AS user,
        toString(max(TeamId)) AS team,
        toString(max(Project)) AS project,
        groupUniqArrayIf(
            Day,
            Day >= toDate({from:DateTime64(9, 'UTC')}) AND Start < {to:DateTime64(9, 'UTC')} AND End >= {from:DateTime64(9, 'UTC')}) AS days,
        min(Start) AS began,
        max(End) AS ended,
        sum(Prompts) AS asked,
        sum(Requests) AS answered,
        sum(Cost) AS spent,
        sum(InputTokens) AS input,
        sum(OutputTokens) AS output,
        sum(Tools) AS called,
        sum(ToolErrors) AS failed,
        sum(ApiErrors) AS unanswered
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
) AS figures
LEFT JOIN
(
    SELECT
        SessionId,
        sum(CostList) AS list
    FROM session_models_priced
    WHERE TenantId = {tenant:String}
        AND Day >= toDate({from:DateTime64(9, 'UTC')}) - 31
        AND Day <= toDate({to:DateTime64(9, 'UTC')}) + 31
        AND SessionId IN (in_range)
    GROUP BY SessionId
) AS priced ON priced.SessionId = figures.session
GROUP BY user
ORDER BY
    cost DESC,
    user
LIMIT {limit:UInt32}
