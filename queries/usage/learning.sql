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
WITH
    -- Commands are read as a shell reads them: what is said, quoted or written is not taken for what is run.
    -- These functions stand letter for letter in every query that reads commands.
    -- A here-document is data, unless it is a shell that reads it.
    script -> if(
        position(script, '<<') = 0,
        script,
        arrayStringConcat(
            arrayFold(
                (kept, line) -> multiIf(
                    kept.2 != '', if(trimBoth(line) = kept.2, (kept.1, ''), kept),
                    match(line, '\\b(?:ba|da|k|z)?sh\\b[^|;&]*<<'), (arrayPushBack(kept.1, line), ''),
                    (arrayPushBack(kept.1, line), extract(line, '(?:^|[^<])<<-?\\s*[\'"\\\\]?([A-Za-z_]\\w*)'))),
                splitByChar('\n', script),
                CAST(([], ''), 'Tuple(Array(String), String)')).1,
            '\n')) AS without_documents,
    -- A string for each simple command: the operator that links it to the one before, then its words, joined by \x1f.
    script -> arrayMap(
        tokens -> arrayStringConcat(tokens, '\x1f'),
        arraySplit(
            token -> token IN ('&&', '||', '|', '|&', '&', ';', ';;', ';&', ';;&', '\n', '(', ')', '`'),
            extractAll(
                replaceAll(script, '\\\n', ' '),
                concat(
                    '(?s)#[^\n]*|&&|\\|[|&]?|;[;&]*|[\n()`]',
                    '|[0-9]*(?:&>>?|<<<|<<-?|>>|>[|&]|<[&>]|[<>])|&',
                    '|(?:\\$\'(?:[^\'\\\\]|\\\\.)*(?:\'|$)|[^\\s\'"\\\\;&|()<>`]|\\\\.|\'[^\']*(?:\'|$)|"(?:[^"\\\\]|\\\\.)*(?:"|$))+')))) AS split_commands,
    words -> replaceRegexpAll(words, '(?s)\\$?\'([^\']*)\'|"((?:[^"\\\\]|\\\\.)*)"|\\\\(.)', '\\1\\2\\3') AS unquoted,
    -- What stands before the program: assignments, keywords, and programs that run another one.
    words -> extract(
        concat(words, '\x1f'),
        concat(
            '^(?:(?:[A-Za-z_]\\w*\\+?=[^\x1f]*|if|then|elif|else|while|until|do|!|\\{|time|nohup|command|exec|builtin|setsid',
            '|(?:[^\x1f]*/)?(?:sudo|doas)(?:\x1f(?:-[ugpCTUrtDRh]\x1f[^\x1f]*|-[^\x1f]+|\\w+=[^\x1f]*))*',
            '|(?:[^\x1f]*/)?env(?:\x1f(?:-[uCS]\x1f[^\x1f]*|-[^\x1f]+|\\w+=[^\x1f]*))*',
            '|(?:nice|ionice|stdbuf)(?:\x1f(?:-[nceoi]\x1f[^\x1f]*|-[^\x1f]+))*',
            '|timeout(?:\x1f(?:-[ks]\x1f[^\x1f]*|-[^\x1f]+))*\x1f[0-9.]+[smhd]?',
            '|xargs(?:\x1f(?:-[nPIdLsEa]\x1f[^\x1f]*|-[^\x1f]+))*)\x1f)*')) AS prefix_of,
    -- The link, the prefix, the program, its arguments, and the files that it is told to write to.
    (link, words, prefix, files) -> (
        link,
        prefix,
        replaceRegexpOne(splitByChar('\x1f', substring(words, length(prefix) + 1))[1], '^.*/', ''),
        arraySlice(splitByChar('\x1f', substring(words, length(prefix) + 1)), 2),
        files) AS command_of,
    script -> arrayFilter(
        command -> match(command.3, '^[\\w.~+-]*[A-Za-z][\\w.+-]*$')
            AND command.3 NOT IN ('for', 'case', 'select', 'function', 'in', 'done', 'fi', 'esac'),
        arrayMap(
            tokens -> arrayMap(
                words -> command_of(
                    extract(tokens, '^(?:&&?|\\|[|&]?|;[;&]*|[\n()`])'),
                    words,
                    -- A prefix with nothing after it, such as sudo -l, is the program itself.
                    if(length(prefix_of(words)) > length(words) AND match(words, '^(?:[^\x1f]*/)?(?:sudo|doas|env|xargs)(?:\x1f|$)'), '', prefix_of(words)),
                    arrayMap(
                        file -> unquoted(file),
                        extractAll(tokens, '(?:^|\x1f)[0-9]*(?:&>>?|>>|>\\|?)\x1f([^\x1f]+)'))),
                [unquoted(replaceRegexpAll(
                    tokens,
                    '^(?:&&?|\\|[|&]?|;[;&]*|[\n()`])(?:\x1f|$)|(?:^|\x1f)#[^\x1f]*|(?:^|\x1f)[0-9]*(?:&>>?|<<<|<<-?|>>|>[|&]|<[&>]|[<>])(?:\x1f[^\x1f]*|$)',
                    ''))])[1],
            split_commands(script))) AS outer_commands,
    -- Scripts inside a script: substitutions in double quotes, sh -c, eval, find -exec.
    (script, commands) -> arrayConcat(
        arrayFlatten(arrayMap(
            quoted -> extractAll(quoted, '(?:\\$\\(|`)([^()`]+)[)`]'),
            extractAll(script, '(?s)\\\\.|\'[^\']*\'|"((?:[^"\\\\]|\\\\.)*)"'))),
        arrayFlatten(arrayMap(
            command -> multiIf(
                command.3 IN ('sh', 'bash', 'dash', 'ksh', 'zsh', 'su'),
                    arrayFilter((word, before) -> match(before, '^-\\w*c$'), command.4, arrayPopBack(arrayPushFront(command.4, ''))),
                command.3 = 'eval', [arrayStringConcat(command.4, ' ')],
                command.3 = 'find', extractAll(arrayStringConcat(command.4, ' '), '-(?:exec|ok)(?:dir)? (.+?) (?:;|\\+)(?: |$)'),
                []),
            commands))) AS inner_scripts,
    script -> arrayConcat(
        outer_commands(script),
        arrayFlatten(arrayMap(inner -> outer_commands(inner), inner_scripts(script, outer_commands(script))))) AS commands_of
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
                        JSONExtractString(LogAttributes['tool_input'], 'file_path'),
                        '(?i)\\.(?:md|mdx|rst|adoc|txt|man|[1-8])$|(?:^|/)(?:docs?|documentation|man)/|(?:^|/)(?:readme|changelog|contributing|license|news)(?:\\.\\w+)?$'),
                    [('documentation file', JSONExtractString(LogAttributes['tool_input'], 'file_path'))],
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
                    commands_of(without_documents(
                        arrayFirst(
                            x -> x != '',
                            [
                                JSONExtractString(LogAttributes['tool_parameters'], 'full_command'),
                                JSONExtractString(LogAttributes['tool_input'], 'command')
                            ])))))) AS lookups
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent IN ('tool_result', 'user_prompt')
        AND (ToolName IN ('Bash', 'WebSearch', 'WebFetch', 'Read', 'NotebookRead') OR (AgentEvent = 'user_prompt' AND LogAttributes['command_name'] IN ('help', 'doc', 'docs')))
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND Timestamp < {to:DateTime64(9, 'UTC')}
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
