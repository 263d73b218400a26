/*
question = "What was read, written, made and deleted, by sensitivity?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "30s"

[params.by]
type = "enum"
values = ["none", "user", "team", "project"]
default = "none"
help = "all together, or each user, team or project"

# Only where the client sends the details of tools. Files are judged by their names.
[columns]
name = "the user, team or project; only when by is not none"
access = "read, write, edit, delete, move, copy, search, list, change rights or use; write may make a file or replace one"
kind = "what such files hold; ordinary where their names say nothing"
severity = "low, medium, high or critical; none for ordinary files"
operations = "times that a call touched a file so"
ok = "operations of calls that succeeded"
failed = "operations of calls that failed"
refused = "operations of calls that were refused"
files = "different files"
sessions = "sessions in which it was done"
users = "users for whom it was done"
last_seen = "time of the last one"
example = "the last of the files"
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
    -- What a file holds that is worth guarding, by its name, the worst first.
    path -> multiIf(
        match(path, '(?:^|/)id_(?:rsa|dsa|ecdsa|ed25519)$|\\.(?:pem|key|ppk|p12|pfx|jks|keystore)$|(?:^|/)\\.gnupg(?:/|$)|private[_-]?key'),
            ('private key', 'critical'),
        match(path, '(?:^|/)\\.aws/(?:credentials|config)$|(?:^|/)\\.config/gcloud/|(?:^|/)\\.azure/|(?:^|/)\\.kube/config$|service[_-]account[^/]*\\.json$|application_default_credentials\\.json$'),
            ('cloud credentials', 'critical'),
        match(path, '^/etc/(?:shadow|gshadow|master\\.passwd|sudoers(?:\\.d/.*)?)$'),
            ('system accounts', 'critical'),
        match(path, '\\.(?:example|sample|template|dist|tmpl|defaults?)$'),
            ('', ''),
        match(path, '(?:^|/)(?:[\\w-]+)?\\.env(?:\\.[\\w*-]+)*\\*?$|(?:^|/)\\.envrc$'),
            ('environment file', 'high'),
        match(path, '(?:^|/)(?:\\.netrc|_netrc|\\.pgpass|\\.my\\.cnf|\\.npmrc|\\.pypirc|\\.git-credentials|\\.htpasswd|\\.vault-token|\\.docker/config\\.json|\\.cargo/credentials(?:\\.toml)?)$|(?i:(?:^|/)\\.?(?:credentials?|secrets?)(?:\\.(?:json|ya?ml|toml|ini|txt|csv|enc))?$)'),
            ('credentials', 'high'),
        match(path, '(?:^|/)(?:Login Data|Cookies|key4\\.db|logins\\.json)$|\\.keychain(?:-db)?$|\\.kdbx?$'),
            ('passwords of a browser or keychain', 'high'),
        match(path, '(?i)(?:password|passwd|secret|token|api[_-]?key|credential)[^/]*(?:\\.(?:json|ya?ml|toml|ini|cfg|conf|txt|csv|properties|xml|enc)|/[^/]*)?$')
            AND NOT match(path, '\\.(?:py|pyi|js|jsx|mjs|ts|tsx|rs|go|java|kt|rb|php|c|h|cc|cpp|cs|swift|scala|sh|md|mdx|rst|html|css|scss|vue|svelte|sql|lock)$'),
            ('named for a secret', 'medium'),
        match(path, '\\.(?:crt|cer|der|csr|p7b)$'),
            ('certificate', 'medium'),
        match(path, '(?:^|/)\\.(?:bash|zsh|python|psql|mysql|node_repl|sqlite)_history$'),
            ('shell history', 'medium'),
        match(path, '\\.(?:sqlite3?|db|dump|bak)$|\\.sql\\.gz$'),
            ('database', 'medium'),
        match(path, '^/etc/|(?i:(?:^|/)(?:config|settings)(?:\\.\\w+)?$)|\\.(?:conf|cfg|ini|config|properties)$'),
            ('configuration', 'low'),
        ('', '')) AS sensitivity_of,
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
    )
SELECT
-- @when by = user
    user AS name,
-- @end
-- @when by = team
    team AS name,
-- @end
-- @when by = project
    project AS name,
-- @end
    access,
    if(found.1 = '', 'ordinary', found.1) AS kind,
    if(found.2 = '', 'none', found.2) AS severity,
    count() AS operations,
    countIf(outcome = 'ok') AS ok,
    countIf(outcome = 'failed') AS failed,
    countIf(outcome = 'refused') AS refused,
    uniqExact(path) AS files,
    uniqExactIf(session, session != '') AS sessions,
    uniqExactIf(user, user != '') AS users,
    max(time) AS last_seen,
    argMax(path, (time, path)) AS example
FROM
(
    SELECT
        toDateTime64(min(Timestamp), 3, 'UTC') AS time,
        SessionId AS session,
        max(UserId) AS user,
        max(TeamId) AS team,
        max(Project) AS project,
        touch.1 AS access,
        touch.2 AS path,
        sensitivity_of(path) AS found,
        multiIf(
            countIf(rejected) > 0, 'refused',
            countIf(AgentEvent = 'tool_result') = 0, 'no result',
            countIf(ifNull(Success, false)) > 0, 'ok',
            'failed') AS outcome
    FROM touches
    ARRAY JOIN touched AS touch
    GROUP BY
        SessionId,
        call,
        touch
)
GROUP BY ALL
ORDER BY
    indexOf(['low', 'medium', 'high', 'critical'], severity) DESC,
    operations DESC,
    access,
    kind
-- @when by = user, team, project
    , name
-- @end
LIMIT {limit:UInt32}
