/*
question = "Which manuals, help texts and documentation are looked up?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "60s"

# Only where the client sends the details of tools.
[columns]
kind = "help option, manual, web search, web page, documentation file or help command"
what = "the program, search, host, file or command, at most 200 characters"
count = "look-ups"
failed = "look-ups that failed"
sessions = "sessions in which it was looked up"
users = "users for whom it was looked up"
first_seen = "time of the first one"
last_seen = "time of the last one"
*/
SELECT
    lookup.1 AS kind,
    substringUTF8(lookup.2, 1, 200) AS what,
    count() AS count,
    countIf(AgentEvent = 'tool_result' AND NOT ifNull(Success, false)) AS failed,
    uniqExactIf(SessionId, SessionId != '') AS sessions,
    uniqExactIf(UserId, UserId != '') AS users,
    toDateTime64(min(Timestamp), 3, 'UTC') AS first_seen,
    toDateTime64(max(Timestamp), 3, 'UTC') AS last_seen
FROM
(
    SELECT
        Timestamp,
        SessionId,
        UserId,
        AgentEvent,
        Success,
        multiIf(
            AgentEvent = 'user_prompt',
                [('help command', concat('/', LogAttributes['command_name']))],
            ToolName = 'WebSearch',
                [('web search', JSONExtractString(LogAttributes['tool_input'], 'query'))],
            ToolName = 'WebFetch',
                [('web page', lower(extract(JSONExtractString(LogAttributes['tool_input'], 'url'), '://(?:[^/@]*@)?([^/:?#]+)')))],
            ToolName IN ('Read', 'NotebookRead'),
                if(
                    match(
                        ToolCall.file,
                        '(?i)\\.(?:md|mdx|rst|adoc|txt|man|[1-8])$|(?:^|/)(?:docs?|documentation|man)/|(?:^|/)(?:readme|changelog|contributing|license|news)(?:\\.\\w+)?$'),
                    [('documentation file', ToolCall.file)],
                    []),
            arrayMap(
                command -> (
                    if(
                        command.3 IN ('man', 'info', 'apropos', 'whatis', 'tldr', 'pydoc', 'pydoc3', 'perldoc', 'ri', 'help')
                            OR (command.3 = 'go' AND command.4[1] = 'doc') OR (command.3 = 'rustup' AND command.4[1] = 'doc'),
                        'manual',
                        'help option'),
                    multiIf(
                        command.3 IN ('man', 'info', 'apropos', 'whatis', 'tldr', 'pydoc', 'pydoc3', 'perldoc', 'ri'),
                            arrayFirst(word -> NOT match(word, '^(?:-.*|[0-9])$'), command.4),
                        -- The subcommand belongs to what was asked about: git commit --help.
                        match(command.4[1], '^[a-z][\\w-]*$') AND command.4[1] NOT IN ('help', 'doc'), concat(command.3, ' ', command.4[1]),
                        command.3)),
                arrayFilter(
                    command -> command.3 IN ('man', 'info', 'apropos', 'whatis', 'tldr', 'pydoc', 'pydoc3', 'perldoc', 'ri', 'help')
                        OR has(command.4, '--help')
                        OR (command.4 = ['-h'] AND command.3 NOT IN ('ls', 'df', 'du', 'free', 'sort', 'history', 'echo', 'test'))
                        OR (command.4[1] = 'help' AND command.3 NOT IN ('echo', 'printf', 'cd', 'ls', 'cat', 'grep', 'mkdir', 'cp', 'mv', 'rm'))
                        OR (command.4[1] = 'doc' AND command.3 IN ('go', 'rustup')),
                    Commands))) AS lookups
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent IN ('tool_result', 'user_prompt')
        AND (ToolName IN ('Bash', 'WebSearch', 'WebFetch', 'Read', 'NotebookRead') OR (AgentEvent = 'user_prompt' AND LogAttributes['command_name'] IN ('help', 'doc', 'docs')))
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
)
ARRAY JOIN lookups AS lookup
GROUP BY
    kind,
    what
HAVING what NOT IN ('', '/')
ORDER BY
    count DESC,
    kind,
    what
LIMIT {limit:UInt32}
