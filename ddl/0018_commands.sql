-- What a tool did, read once at insert: the commands that a shell was told to run, as programs and arguments, and the files
-- that were touched. What a client keeps back leaves them empty. The queries judge; here is only read.
--
-- These columns are MATERIALIZED: every writer's rows have them, the Collector's too, nobody can send other values, and `SELECT *`
-- leaves them out. For parts that are older than this file the server computes them whenever they are read; README.md says
-- how to have that done once.

-- What a tool's decision or result says of itself:
--
-- call         the id of the call, which its decision and its result share; where the client sends none, the event's own
-- verdict      of a decision accept or reject; of a result that failed because the system did not allow it, denied
-- line         the line that a shell, or a server of tools, was given
-- unsandboxed  whether the line was to run outside the client's sandbox
-- file         the file or folder that a file tool was given
-- workspace    the folders that the work is in, as the client says (host) or the error of a tool does (error)
--
-- One column and not six, and a call's map in an array of none or one: what stands in the function is worked out for tools' events only,
-- and a map is searched for each key anew.
ALTER TABLE otel_logs ADD COLUMN IF NOT EXISTS ToolCall Tuple(call String, verdict LowCardinality(String), line String, unsandboxed Bool, file String, workspace Array(Tuple(source String, folder String))) MATERIALIZED
    arrayMap(
        of -> (
            if(of['tool_use_id'] = '', toString(EventId), of['tool_use_id']),
            multiIf(
                AgentEvent = 'tool_decision', of['decision'],
                NOT ifNull(Success, false) AND match(
                    concat(of['error'], ' ', of['error_type']),
                    '(?i)permission|denied|unauthori[sz]ed|forbidden|not (?:allowed|permitted)|EACCES|EPERM|read-only file system'),
                    'denied',
                ''),
            if(
                ToolName = 'Bash' OR startsWith(ToolName, 'mcp'),
                arrayFirst(
                    x -> x != '',
                    [
                        JSONExtractString(of['tool_parameters'], 'full_command'),
                        JSONExtractString(of['tool_input'], 'command')
                    ]),
                ''),
            (ToolName = 'Bash' OR startsWith(ToolName, 'mcp')) AND JSONExtractBool(of['tool_parameters'], 'dangerouslyDisableSandbox'),
            arrayFirst(
                x -> x != '',
                [
                    JSONExtractString(of['tool_input'], 'file_path'),
                    JSONExtractString(of['tool_input'], 'notebook_path'),
                    JSONExtractString(of['tool_input'], 'path')
                ]),
            if(
                AgentEvent = 'tool_decision',
                [],
                arrayConcat(
                    arrayMap(folder -> ('host', folder), JSONExtract(of['workspace.host_paths'], 'Array(String)')),
                    arrayMap(
                        folder -> ('error', folder),
                        arrayFilter(
                            folder -> folder != '',
                            [extract(of['error'], 'current working directory is (/\\S*?)/?\\.?(?:\\s|$)')]))))),
        if(AgentEvent IN ('tool_decision', 'tool_result'), [LogAttributes], []))[1] CODEC(ZSTD(1));

-- A line is read as a shell reads it: what is said, quoted or written is not taken for what is run. First the line's own
-- commands, then those of the scripts in it (substitutions in double quotes, sh -c, eval, find -exec), of which the fold's second
-- turn is.
--
-- link is the operator between the command and the one before, prefix what stands before the program (assignments, keywords,
-- and programs that run another one; its words end in \x1f), files what the command is told to write to.
ALTER TABLE otel_logs ADD COLUMN IF NOT EXISTS Commands Array(Tuple(link String, prefix String, program String, arguments Array(String), files Array(String))) MATERIALIZED
    arrayMap(
        line -> arrayFold(
            (done, turn) -> arrayMap(
                found -> (
                    if(
                        turn = 2,
                        [],
                        arrayConcat(
                            arrayFlatten(arrayMap(
                                script -> arrayFlatten(arrayMap(
                                    quoted -> extractAll(quoted, '(?:\\$\\(|`)([^()`]+)[)`]'),
                                    extractAll(script, '(?s)\\\\.|\'[^\']*\'|"((?:[^"\\\\]|\\\\.)*)"'))),
                                done.1)),
                            arrayFlatten(arrayMap(
                                command -> multiIf(
                                    command.3 IN ('sh', 'bash', 'dash', 'ksh', 'zsh', 'su'),
                                        arrayFilter((word, before) -> match(before, '^-\\w*c$'), command.4, arrayPopBack(arrayPushFront(command.4, ''))),
                                    command.3 = 'eval', [arrayStringConcat(command.4, ' ')],
                                    command.3 = 'find', extractAll(arrayStringConcat(command.4, ' '), '-(?:exec|ok)(?:dir)? (.+?) (?:;|\\+)(?: |$)'),
                                    []),
                                found)))),
                    arrayConcat(done.2, found)),
                [arrayFilter(
                    command -> match(command.3, '^[\\w.~+-]*[A-Za-z][\\w.+-]*$')
                        AND command.3 NOT IN ('for', 'case', 'select', 'function', 'in', 'done', 'fi', 'esac'),
                    arrayMap(
                        read -> (
                            extract(read.1, '^(?:&&?|\\|[|&]?|;[;&]*|[\n()`])'),
                            read.3,
                            replaceRegexpOne(splitByChar('\x1f', substring(read.2, length(read.3) + 1))[1], '^.*/', ''),
                            arraySlice(splitByChar('\x1f', substring(read.2, length(read.3) + 1)), 2),
                            arrayMap(
                                file -> replaceRegexpAll(file, '(?s)\\$?\'([^\']*)\'|"((?:[^"\\\\]|\\\\.)*)"|\\\\(.)', '\\1\\2\\3'),
                                extractAll(read.1, '(?:^|\x1f)[0-9]*(?:&>>?|>>|>\\|?)\x1f([^\x1f]+)'))),
                        -- A prefix with nothing after it, such as sudo -l, is the program itself.
                        arrayMap(
                            read -> (read.1, read.2, if(length(read.3) > length(read.2) AND match(read.2, '^(?:[^\x1f]*/)?(?:sudo|doas|env|xargs)(?:\x1f|$)'), '', read.3)),
                            arrayMap(
                                read -> (
                                    read.1,
                                    read.2,
                                    -- What stands before the program: assignments, keywords, and programs that run another one.
                                    extract(
                                        concat(read.2, '\x1f'),
                                        concat(
                                            '^(?:(?:[A-Za-z_]\\w*\\+?=[^\x1f]*|if|then|elif|else|while|until|do|!|\\{|time|nohup|command|exec|builtin|setsid',
                                            '|(?:[^\x1f]*/)?(?:sudo|doas)(?:\x1f(?:-[ugpCTUrtDRh]\x1f[^\x1f]*|-[^\x1f]+|\\w+=[^\x1f]*))*',
                                            '|(?:[^\x1f]*/)?env(?:\x1f(?:-[uCS]\x1f[^\x1f]*|-[^\x1f]+|\\w+=[^\x1f]*))*',
                                            '|(?:nice|ionice|stdbuf)(?:\x1f(?:-[nceoi]\x1f[^\x1f]*|-[^\x1f]+))*',
                                            '|timeout(?:\x1f(?:-[ks]\x1f[^\x1f]*|-[^\x1f]+))*\x1f[0-9.]+[smhd]?',
                                            '|xargs(?:\x1f(?:-[nPIdLsEa]\x1f[^\x1f]*|-[^\x1f]+))*)\x1f)*'))),
                                arrayMap(
                                    tokens -> (
                                        tokens,
                                        replaceRegexpAll(
                                            replaceRegexpAll(
                                                tokens,
                                                '^(?:&&?|\\|[|&]?|;[;&]*|[\n()`])(?:\x1f|$)|(?:^|\x1f)#[^\x1f]*|(?:^|\x1f)[0-9]*(?:&>>?|<<<|<<-?|>>|>[|&]|<[&>]|[<>])(?:\x1f[^\x1f]*|$)',
                                                ''),
                                            '(?s)\\$?\'([^\']*)\'|"((?:[^"\\\\]|\\\\.)*)"|\\\\(.)', '\\1\\2\\3')),
                                    -- A text for each simple command: the operator that links it to the one before, then its words.
                                    arrayFlatten(arrayMap(
                                        script -> arrayMap(
                                            tokens -> arrayStringConcat(tokens, '\x1f'),
                                            arraySplit(
                                                token -> token IN ('&&', '||', '|', '|&', '&', ';', ';;', ';&', ';;&', '\n', '(', ')', '`'),
                                                extractAll(
                                                    replaceAll(script, '\\\n', ' '),
                                                    concat(
                                                        '(?s)#[^\n]*|&&|\\|[|&]?|;[;&]*|[\n()`]',
                                                        '|[0-9]*(?:&>>?|<<<|<<-?|>>|>[|&]|<[&>]|[<>])|&',
                                                        '|(?:\\$\'(?:[^\'\\\\]|\\\\.)*(?:\'|$)|[^\\s\'"\\\\;&|()<>`]|\\\\.|\'[^\']*(?:\'|$)|"(?:[^"\\\\]|\\\\.)*(?:"|$))+')))),
                                        done.1)))))))])[1],
            [1, 2],
            CAST(
                ([if(
                    position(line, '<<') = 0,
                    line,
                    -- A here-document is data, unless it is a shell that reads it.
                    arrayStringConcat(
                        arrayFold(
                            (kept, row) -> multiIf(
                                kept.2 != '', if(trimBoth(row) = kept.2, (kept.1, ''), kept),
                                match(row, '\\b(?:ba|da|k|z)?sh\\b[^|;&]*<<'), (arrayPushBack(kept.1, row), ''),
                                (arrayPushBack(kept.1, row), extract(row, '(?:^|[^<])<<-?\\s*[\'"\\\\]?([A-Za-z_]\\w*)'))),
                            splitByChar('\n', line),
                            CAST(([], ''), 'Tuple(Array(String), String)')).1,
                        '\n'))], []),
                'Tuple(Array(String), Array(Tuple(String, String, String, Array(String), Array(String))))')).2,
        arrayFilter(line -> line != '', [tupleElement(ToolCall, 'line')]))[1] CODEC(ZSTD(1));

-- The files that were touched, how, and by which tool or program: a file tool's own, those a command is told to write to, and
-- those among its arguments. What is only said, and the pattern of a search, is no file.
ALTER TABLE otel_logs ADD COLUMN IF NOT EXISTS Touched Array(Tuple(access String, path String, program String)) MATERIALIZED
    if(
        AgentEvent NOT IN ('tool_decision', 'tool_result'),
        [],
        arrayDistinct(arrayConcat(
            arrayFilter(
                touch -> touch.2 != '',
                [(
                    transform(
                        toString(ToolName),
                        ['Read', 'NotebookRead', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit', 'Grep', 'Glob', 'LS'],
                        ['read', 'read', 'write', 'edit', 'edit', 'edit', 'search', 'search', 'list'],
                        'use'),
                    tupleElement(ToolCall, 'file'),
                    toString(ToolName))]),
            arrayFlatten(arrayMap(
                command -> arrayConcat(
                    arrayMap(
                        file -> ('write', file, command.3),
                        arrayFilter(file -> NOT match(file, '^(?:[0-9]+|-|/dev/.*)$'), command.5)),
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
                                    'cat', 'bat', 'less', 'more', 'head', 'tail', 'tac', 'nl', 'grep', 'egrep', 'fgrep', 'rg', 'ag', 'sed', 'awk', 'gawk',
                                    'jq', 'yq', 'wc', 'sort', 'uniq', 'cut', 'diff', 'cmp', 'xxd', 'od', 'hexdump', 'strings', 'base64', 'md5sum',
                                    'sha256sum', 'file', 'source', '.', 'openssl', 'gpg', 'zcat', 'gunzip', 'tar', 'zip', 'view'), 'read',
                                command.3 IN ('ls', 'find', 'fd', 'tree', 'stat', 'du', 'cd', 'pushd'), 'list',
                                'use'),
                            word,
                            command.3),
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
                                    arrayEnumerate(command.4)))))),
                Commands))))) CODEC(ZSTD(1));
