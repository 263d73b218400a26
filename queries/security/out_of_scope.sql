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
        arrayFlatten(arrayMap(inner -> outer_commands(inner), inner_scripts(script, outer_commands(script))))) AS commands_of,
    -- The files that a command touches, and how: those it is told to write to, and those among its arguments. What is only said,
    -- and the pattern of a search, is no file.
    command -> arrayConcat(
        arrayMap(file -> ('write', file), arrayFilter(file -> NOT match(file, '^(?:[0-9]+|-|/dev/.*)$'), command.5)),
        arrayMap(
            word -> (
                multiIf(
                    command.3 IN ('cp', 'mv', 'rsync', 'scp', 'install', 'ln') AND word = command.4[-1], 'write',
                    command.3 IN ('rm', 'rmdir', 'unlink', 'shred'), 'delete',
                    command.3 = 'git' AND command.4[1] = 'rm', 'delete',
                    command.3 = 'mv' OR (command.3 = 'git' AND command.4[1] = 'mv'), 'move',
                    command.3 IN ('tee', 'touch', 'mkdir', 'truncate'), 'write',
                    command.3 IN ('cp', 'rsync', 'scp', 'install', 'ln'), 'copy',
                    command.3 IN ('sed', 'perl') AND arrayExists(option -> match(option, '^-[A-Za-z]*i|^--in-place'), command.4), 'edit',
                    command.3 IN ('chmod', 'chown', 'chgrp', 'setfacl'), 'change rights',
                    command.3 IN (
                        'cat', 'bat', 'less', 'more', 'head', 'tail', 'tac', 'nl', 'grep', 'egrep', 'fgrep', 'rg', 'ag', 'sed', 'awk', 'gawk', 'jq', 'yq',
                        'wc', 'sort', 'uniq', 'cut', 'diff', 'cmp', 'xxd', 'od', 'hexdump', 'strings', 'base64', 'md5sum', 'sha256sum', 'file', 'source', '.',
                        'openssl', 'gpg', 'zcat', 'gunzip', 'tar', 'zip', 'view'), 'read',
                    command.3 IN ('ls', 'find', 'fd', 'tree', 'stat', 'du', 'cd', 'pushd'), 'list',
                    'use'),
                word),
            arrayFilter(
                word -> match(word, '^(?:[^\\s:=\'"`$(){}|<>,;]*[./~][^\\s:=\'"`(){}|<>,;]*)$') AND NOT match(word, '^[.~-]$|^[0-9.]+$|^/dev/'),
                arrayMap(
                    word -> if(startsWith(word, '-'), extract(word, '^--?[\\w-]+=(.+)$'), word),
                    arrayFilter(
                        (word, place) -> command.3 NOT IN ('echo', 'printf', 'export', 'alias', 'test', 'expr', 'sleep', 'date', 'seq', 'curl', 'wget')
                            AND NOT (
                                command.3 IN ('grep', 'egrep', 'fgrep', 'rg', 'ag', 'sed', 'awk', 'gawk', 'jq', 'yq', 'perl')
                                AND place = arrayFirstIndex(other -> NOT startsWith(other, '-'), command.4)),
                        command.4,
                        arrayEnumerate(command.4)))))) AS paths_of,
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
            AgentEvent = 'tool_decision' AND LogAttributes['decision'] = 'reject' AS rejected,
            if(LogAttributes['tool_use_id'] = '', toString(EventId), LogAttributes['tool_use_id']) AS call,
            arrayFirst(
                x -> x != '',
                [
                    JSONExtractString(LogAttributes['tool_input'], 'file_path'),
                    JSONExtractString(LogAttributes['tool_input'], 'notebook_path'),
                    JSONExtractString(LogAttributes['tool_input'], 'path')
                ]) AS file,
            if(
                ToolName = 'Bash' OR startsWith(ToolName, 'mcp'),
                arrayFirst(
                    x -> x != '',
                    [
                        JSONExtractString(LogAttributes['tool_parameters'], 'full_command'),
                        JSONExtractString(LogAttributes['tool_input'], 'command')
                    ]),
                '') AS line,
            arrayDistinct(arrayConcat(
                if(
                    file = '',
                    [],
                    [(
                        transform(
                            toString(ToolName),
                            ['Read', 'NotebookRead', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit', 'Grep', 'Glob', 'LS'],
                            ['read', 'read', 'write', 'edit', 'edit', 'edit', 'search', 'search', 'list'],
                            'use'),
                        file,
                        toString(ToolName))]),
                arrayFlatten(arrayMap(
                    command -> arrayMap(touch -> (touch.1, touch.2, command.3), paths_of(command)),
                    if(line = '', [], commands_of(without_documents(line))))))) AS touched
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent IN ('tool_decision', 'tool_result')
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND (AgentEvent = 'tool_result' OR ToolName = 'Bash' OR startsWith(ToolName, 'mcp'))
            AND (AgentEvent = 'tool_result' OR LogAttributes['decision'] = 'reject' OR LogAttributes['tool_use_id'] != '')
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
                if(
                    ToolName IN ('Grep', 'Glob', 'LS'),
                    JSONExtractString(LogAttributes['tool_input'], 'path'),
                    replaceRegexpOne(
                        arrayFirst(
                            x -> x != '',
                            [
                                JSONExtractString(LogAttributes['tool_input'], 'file_path'),
                                JSONExtractString(LogAttributes['tool_input'], 'notebook_path')
                            ]),
                        '/[^/]*$', '')),
                '/$', '') AS folder,
            count() AS calls,
            groupUniqArrayArray(JSONExtract(LogAttributes['workspace.host_paths'], 'Array(String)')) AS hosts,
            groupUniqArray(extract(LogAttributes['error'], 'current working directory is (/\\S*?)/?\\.?(?:\\s|$)')) AS told
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent = 'tool_result'
            AND ToolName IN ('Read', 'NotebookRead', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit', 'Grep', 'Glob', 'LS')
            AND SessionId != ''
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND Timestamp < {to:DateTime64(9, 'UTC')}
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
