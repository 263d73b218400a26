/*
question = "Which programs does the shell run, how often do they fail, and how long do they take?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "60s"

# A call that runs several programs counts once for each of them, with its outcome and whole duration: the client reports no finer.
[columns]
program = "the program, without its directory"
calls = "calls of Bash that run it"
total_calls = "calls of Bash whose command the client sent"
share = "calls / total_calls, 0 to 1"
alone = "calls that run nothing else"
failed = "calls that failed"
failure_rate = "failed / calls, 0 to 1"
avg_ms = "mean duration of those calls in milliseconds"
max_ms = "longest duration in milliseconds"
elevated = "calls that run it by sudo or doas"
sessions = "sessions in which it ran"
users = "users for whom it ran"
example = "the latest command line, at most 200 characters"
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
    program,
    sum(by_line.calls) AS calls,
    any(by_line.total_calls) AS total_calls,
    calls / total_calls AS share,
    sumIf(by_line.calls, length(programs) = 1) AS alone,
    sum(by_line.failed) AS failed,
    failed / calls AS failure_rate,
    round(sum(by_line.total_ms) / calls, 3) AS avg_ms,
    max(by_line.max_ms) AS max_ms,
    sumIf(by_line.calls, has(elevated_programs, program)) AS elevated,
    uniqExactMerge(by_line.sessions) AS sessions,
    uniqExactMerge(by_line.users) AS users,
    argMax(substringUTF8(line, 1, 200), (by_line.last_call, line)) AS example
FROM
(
    SELECT
        line,
        calls,
        sum(calls) OVER () AS total_calls,
        failed,
        total_ms,
        max_ms,
        sessions,
        users,
        last_call,
        commands_of(without_documents(line)) AS commands,
        arrayDistinct(arrayMap(command -> command.3, commands)) AS programs,
        arrayMap(command -> command.3, arrayFilter(command -> match(command.2, '(?:^|[\x1f/])(?:sudo|doas)\x1f'), commands)) AS elevated_programs
    FROM
    (
        SELECT
            arrayFirst(
                x -> x != '',
                [
                    JSONExtractString(LogAttributes['tool_parameters'], 'full_command'),
                    JSONExtractString(LogAttributes['tool_input'], 'command')
                ]) AS line,
            count() AS calls,
            countIf(NOT ifNull(Success, false)) AS failed,
            sum(DurationMs) AS total_ms,
            max(DurationMs) AS max_ms,
            uniqExactStateIf(SessionId, SessionId != '') AS sessions,
            uniqExactStateIf(UserId, UserId != '') AS users,
            max(Timestamp) AS last_call
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent = 'tool_result'
            AND ToolName = 'Bash'
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
        GROUP BY line
        HAVING line != ''
    )
) AS by_line
ARRAY JOIN programs AS program
GROUP BY program
ORDER BY
    calls DESC,
    program
LIMIT {limit:UInt32}
