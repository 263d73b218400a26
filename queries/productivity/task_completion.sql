/*
question = "How many of the tasks that agents set themselves are completed?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "60s"

[params.by]
type = "enum"
values = ["none", "session", "user", "team", "project"]
default = "none"
help = "all together, or each session and so on"

# Tasks are the items of TodoWrite, told apart by their text, and what TaskCreate makes and TaskUpdate changes. The last state
# within the range counts. Only where the client sends the details of tools.
[columns]
name = "the session, user, team or project; only when by is not none"
sessions = "sessions with a task"
tasks = "tasks, those that were deleted left out"
pending = "tasks not begun"
in_progress = "tasks begun and not completed"
completed = "tasks completed"
completion_rate = "completed / tasks, 0 to 1"
*/
SELECT
-- @when by = session, user, team, project
    name,
-- @end
    count() AS sessions,
    toUInt64(sum(session_tasks)) AS tasks,
    toUInt64(tasks - in_progress - completed) AS pending,
    sum(session_in_progress) AS in_progress,
    sum(session_completed) AS completed,
    completed / nullIf(tasks, 0) AS completion_rate
FROM
(
    SELECT
-- @when by = session
        SessionId AS name,
-- @end
-- @when by = user
        max(user) AS name,
-- @end
-- @when by = team
        max(team) AS name,
-- @end
-- @when by = project
        max(project) AS name,
-- @end
        countIf(kind = 'todo' AND state NOT IN ('deleted', 'cancelled')) AS todos,
        countIf(kind = 'task') AS updated,
        countIf(kind = 'task' AND state IN ('deleted', 'cancelled')) AS deleted,
        sumIf(times, kind = 'created') AS created,
        -- A task that was created and never touched has no update; one created before the range has only updates.
        todos + greatest(created, updated) - deleted AS session_tasks,
        countIf(kind != 'created' AND state = 'in_progress') AS session_in_progress,
        countIf(kind != 'created' AND state = 'completed') AS session_completed
    FROM
    (
        SELECT
            SessionId,
            max(UserId) AS user,
            max(TeamId) AS team,
            max(Project) AS project,
            step.1 AS kind,
            step.2 AS item,
            argMaxIf(step.3, (Timestamp, Sequence), step.3 != '') AS state,
            count() AS times
        FROM
        (
            SELECT
                SessionId,
                UserId,
                TeamId,
                Project,
                Timestamp,
                Sequence,
                arrayJoin(multiIf(
                    ToolName = 'TaskCreate',
                        [('created', '', '')],
                    ToolName = 'TaskUpdate',
                        [('task', JSONExtractString(LogAttributes['tool_input'], 'taskId'), JSONExtractString(LogAttributes['tool_input'], 'status'))],
                    -- Item by item, since a long list is cut off.
                    arrayMap(
                        todo -> ('todo', JSONExtractString(todo, 'content'), JSONExtractString(todo, 'status')),
                        extractAll(LogAttributes['tool_input'], '\\{[^{}]*"status"[^{}]*\\}')))) AS step
            FROM otel_logs
            WHERE TenantId = {tenant:String}
                AND AgentEvent = 'tool_result'
                AND ToolName IN ('TodoWrite', 'TaskCreate', 'TaskUpdate')
                AND ifNull(Success, false)
                AND Timestamp >= {from:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
                AND Timestamp < {to:DateTime64(9, 'UTC')}
                AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
                AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
                AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
                AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
                AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
                AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
                AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
        )
        GROUP BY
            SessionId,
            kind,
            item
    )
    GROUP BY SessionId
    HAVING session_tasks > 0
)
-- @when by = session, user, team, project
GROUP BY name
-- @end
ORDER BY
    tasks DESC
-- @when by = session, user, team, project
    , name
-- @end
LIMIT {limit:UInt32}
