/*
question = "Which files outside the session's project were touched?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "30s"

[params.roots]
type = "strings"
default = []
help = "the project's folders; empty means that they are told from the session itself"

[params.allow]
type = "strings"
default = ["/tmp", "/private/tmp", "/var/tmp", "/var/folders", "/dev", "/proc"]
help = "folders that are no offence"

# Only where the client sends the details of tools. Sessions whose project folder cannot be told are left out. A path that
# begins with ~ or climbs by .. is outside; what a program that is no file tool makes of a path is not judged.
[columns]
time = "when the call was decided on or, if that is not known, when it ended; the latest comes first"
session = "the session's id"
user = "who ran it"
project = "what was worked on"
severity = "high for what changes files, medium for what reads them, low for what lists or searches"
access = "read, write, edit, delete, move, copy, search, list or change rights"
path = "the file or folder"
roots = "the project's folders that it is outside of"
tool = "the tool"
program = "the program that touches it, or the tool where there is none"
outcome = "ok, failed, refused, or no result: allowed, and neither done nor failed within the range"
call = "the id of the tool's call"
*/
WITH
    -- Whether a path lies in none of the folders. A relative one lies in the working folder, unless it climbs out.
    (path, within) -> multiIf(
        startsWith(path, '~'), true,
        match(path, '(?:^|/)\\.\\.(?:/|$)'), true,
        startsWith(path, '/'), NOT arrayExists(folder -> path = folder OR startsWith(path, concat(replaceRegexpOne(folder, '/$', ''), '/')), within),
        false) AS outside,
    -- A call of a file tool is told of by its result alone, since its decision does not name the file; a command also by its
    -- decision.
    touches AS
    (
        SELECT
            Timestamp,
            SessionId,
            UserId,
            TeamId,
            Project,
            ToolName,
            AgentEvent,
            Success,
            ToolCall.verdict = 'reject' AS rejected,
            ToolCall.call AS call,
            Touched AS touched
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent IN ('tool_decision', 'tool_result')
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
            AND notEmpty(Touched)
            AND (AgentEvent = 'tool_result' OR ToolName = 'Bash' OR startsWith(ToolName, 'mcp'))
            AND (AgentEvent = 'tool_result' OR ToolCall.verdict = 'reject' OR ToolCall.call != toString(EventId))
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    ),
    -- A session's project folder: what the caller names, what the client says, the working folder that an error tells of, or
    -- else the deepest folder that holds three in four of the files its file tools name, system and hidden folders aside.
    folders AS
    (
        SELECT
            SessionId,
            replaceRegexpOne(
                if(ToolName IN ('Grep', 'Glob', 'LS'), ToolCall.file, replaceRegexpOne(ToolCall.file, '/[^/]*$', '')),
                '/$', '') AS folder,
            count() AS calls,
            groupUniqArrayArray(arrayMap(at -> at.2, arrayFilter(at -> at.1 = 'host', ToolCall.workspace))) AS hosts,
            groupUniqArrayArray(arrayMap(at -> at.2, arrayFilter(at -> at.1 = 'error', ToolCall.workspace))) AS told
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent = 'tool_result'
            AND ToolName IN ('Read', 'NotebookRead', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit', 'Grep', 'Glob', 'LS')
            AND SessionId != ''
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
        GROUP BY
            SessionId,
            folder
    ),
    roots AS
    (
        SELECT
            SessionId,
            groupUniqArrayArray(hosts) AS host_paths,
            arrayFilter(x -> x != '', groupUniqArrayArray(told)) AS working_folders,
            groupArrayIf(
                (folder, calls),
                match(folder, '^/[^/]') AND NOT match(
                    folder,
                    '^/(?:etc|usr|bin|sbin|boot|dev|lib|lib64|opt|proc|sys|tmp|var|private|System|Library)(?:/|$)|^/(?:home/[^/]+|Users/[^/]+|root)/\\.')) AS held,
            arraySum(arrayMap(one -> one.2, held)) AS all_calls,
            arrayDistinct(arrayFlatten(arrayMap(
                one -> arrayMap(
                    depth -> arrayStringConcat(arraySlice(splitByChar('/', one.1), 1, depth), '/'),
                    -- A home folder is no project.
                    range(if(match(one.1, '^/(?:home|Users)/'), 4, 2), length(splitByChar('/', one.1)) + 1)),
                held))) AS candidates,
            arrayReverseSort(
                candidate -> length(candidate),
                arrayFilter(
                    candidate -> arraySum(arrayMap(
                        one -> if(one.1 = candidate OR startsWith(one.1, concat(candidate, '/')), one.2, 0), held)) >= 0.75 * all_calls,
                    candidates))[1] AS deepest,
            -- Where nearly all the work lies in one part of a project, that part is not the project.
            replaceRegexpOne(deepest, '(/[^/]+)/(?:src|lib|app|apps|tests?|spec|docs?|packages|crates|cmd|internal|pkg|scripts|components)(?:/.*)?$', '\\1') AS likely,
            multiIf(
                notEmpty({roots:Array(String)}), {roots:Array(String)},
                notEmpty(host_paths), host_paths,
                notEmpty(working_folders), working_folders,
                likely != '' AND NOT match(likely, '^/(?:home|Users)/[^/]+$'), [likely],
                deepest != '', [deepest],
                []) AS project_folders
        FROM folders
        GROUP BY SessionId
    )
SELECT
    toDateTime64(min(Timestamp), 3, 'UTC') AS time,
    SessionId AS session,
    max(UserId) AS user,
    max(Project) AS project,
    multiIf(access IN ('list', 'search'), 'low', access = 'read', 'medium', 'high') AS severity,
    touch.1 AS access,
    touch.2 AS path,
    any(arraySort(project_folders)) AS roots,
    any(ToolName) AS tool,
    touch.3 AS program,
    multiIf(
        countIf(rejected) > 0, 'refused',
        countIf(AgentEvent = 'tool_result') = 0, 'no result',
        countIf(ifNull(Success, false)) > 0, 'ok',
        'failed') AS outcome,
    call
FROM
(
    SELECT
        Timestamp,
        SessionId,
        UserId,
        Project,
        ToolName,
        AgentEvent,
        Success,
        rejected,
        call,
        touch,
        roots.project_folders AS project_folders
    FROM touches
    INNER JOIN roots USING (SessionId)
    ARRAY JOIN touched AS touch
    WHERE notEmpty(project_folders)
        AND touch.1 != 'use'
        AND outside(touch.2, arrayConcat(project_folders, {allow:Array(String)}))
)
GROUP BY
    SessionId,
    call,
    touch
ORDER BY
    time DESC,
    session,
    call,
    path,
    access,
    program
LIMIT {limit:UInt32}
