/*
question = "Do users get more done from week to week?"
filters = ["user", "team", "project", "terminal", "version"]
tables = ["sessions"]
limit = { default = 1000, max = 50000 }
cache = "300s"
default_from = "-84d"

# A task is a prompt: what a user asked for. The first week is whole, even where the range begins in the middle of it.
[params.by]
type = "enum"
values = ["none", "user", "team", "project"]
default = "user"
help = "all together, or each user, team or project"

[columns]
week = "the week's Monday (UTC)"
name = "the user, team or project; only when by is not none"
sessions = "sessions with an event in the week"
prompts = "prompts; a background agent's report, which comes as one, is left out where the client sends its text"
requests = "API requests that were answered"
tools = "tool calls that ran to a result"
tool_errors = "tool calls that failed"
tool_success_rate = "(tools - tool_errors) / tools, 0 to 1"
hours = "hours from the first event of a session's day to the last, added up"
prompts_per_hour = "prompts / hours"
prompts_per_hour_change = "(prompts_per_hour - that of the week before) / that of the week before; null without one"
tools_per_prompt = "tools / prompts"
cost = "USD, as the client reported it"
cost_per_prompt = "cost / prompts"
*/
SELECT
    week,
-- @when by = user, team, project
    name,
-- @end
    sessions,
    prompts,
    requests,
    tools,
    tool_errors,
    (tools - tool_errors) / nullIf(tools, 0) AS tool_success_rate,
    hours,
    prompts / nullIf(hours, 0) AS prompts_per_hour,
    (prompts_per_hour - before) / nullIf(before, 0) AS prompts_per_hour_change,
    tools / nullIf(prompts, 0) AS tools_per_prompt,
    cost,
    cost / nullIf(prompts, 0) AS cost_per_prompt
FROM
(
    SELECT
        toMonday(Day) AS week,
-- @when by = user
        user AS name,
-- @end
-- @when by = team
        team AS name,
-- @end
-- @when by = project
        project AS name,
-- @end
        uniqExact(SessionId) AS sessions,
        sum(by_day.asked) AS prompts,
        sum(by_day.answered) AS requests,
        sum(by_day.called) AS tools,
        sum(by_day.failed) AS tool_errors,
        sum(by_day.seconds) / 3600 AS hours,
        toFloat64(sum(by_day.spent)) AS cost,
        any(prompts / nullIf(hours, 0)) OVER (
-- @when by = user, team, project
            PARTITION BY name
-- @end
            ORDER BY toUInt16(week) RANGE BETWEEN 7 PRECEDING AND 7 PRECEDING) AS before
    FROM
    (
        SELECT
            SessionId,
            Day,
            toString(max(UserId)) AS user,
            toString(max(TeamId)) AS team,
            toString(max(Project)) AS project,
            sum(Prompts) AS asked,
            sum(Requests) AS answered,
            sum(Tools) AS called,
            sum(ToolErrors) AS failed,
            dateDiff('millisecond', min(Start), max(End)) / 1000 AS seconds,
            sum(Cost) AS spent
        FROM sessions
        WHERE TenantId = {tenant:String}
            AND Day >= toMonday({from:DateTime64(9, 'UTC')})
            AND Day <= toDate({to:DateTime64(9, 'UTC')})
        GROUP BY
            SessionId,
            Day
        HAVING min(Start) < {to:DateTime64(9, 'UTC')}
            AND (empty({user:Array(String)}) OR max(UserId) IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR max(TeamId) IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR max(Project) IN {project:Array(String)})
            AND (empty({terminal:Array(String)}) OR max(Terminal) IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR max(Version) IN {version:Array(String)})
    ) AS by_day
    GROUP BY
        week
-- @when by = user, team, project
        , name
-- @end
)
ORDER BY
    week DESC,
-- @when by = user, team, project
    name,
-- @end
    prompts DESC
LIMIT {limit:UInt32}
