/*
question = "Which languages are read and written?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs", "otel_metrics_sum"]
limit = { default = 100, max = 10000 }
cache = "60s"

# File names come with the details of tools, which the client may keep back; edit decisions always come.
[columns]
language = "the language; other for a file that does not tell"
files = "different files that were read, edited or written"
reads = "reads of such files"
changes = "edits and writes of such files that succeeded"
edit_decisions = "edits that were proposed"
accepted = "proposed edits that were accepted"
acceptance_rate = "accepted / edit_decisions, 0 to 1"
sessions = "sessions in which the language was read or changed"
users = "users who did"
*/
SELECT
    language,
    toUInt64(sum(by_source.files)) AS files,
    toUInt64(sum(by_source.reads)) AS reads,
    toUInt64(sum(by_source.changes)) AS changes,
    toUInt64(round(sum(by_source.decisions))) AS edit_decisions,
    toUInt64(round(sum(by_source.accepted))) AS accepted,
    accepted / nullIf(edit_decisions, 0) AS acceptance_rate,
    uniqExactArray(by_source.sessions) AS sessions,
    uniqExactArray(by_source.users) AS users
FROM
(
    SELECT
        multiIf(
            match(file, '(?i)(?:^|[/\\\\])(?:docker|container)file[^/\\\\]*$'), 'Dockerfile',
            match(file, '(?i)(?:^|[/\\\\])(?:gnu)?makefile$'), 'Makefile',
            transform(
                lower(extract(file, '\\.([A-Za-z0-9+]+)$')),
                [
                    'py', 'pyi', 'ipynb', 'js', 'mjs', 'cjs', 'jsx', 'ts', 'mts', 'cts', 'tsx', 'rs', 'go', 'java', 'kt', 'kts',
                    'scala', 'swift', 'c', 'h', 'cc', 'cpp', 'cxx', 'hpp', 'hh', 'cs', 'rb', 'php', 'sh', 'bash', 'zsh', 'fish',
                    'ps1', 'sql', 'html', 'htm', 'css', 'scss', 'sass', 'less', 'vue', 'svelte', 'json', 'jsonl', 'yaml', 'yml',
                    'toml', 'xml', 'md', 'mdx', 'rst', 'txt', 'lua', 'pl', 'r', 'jl', 'ex', 'exs', 'erl', 'hs', 'clj', 'dart',
                    'zig', 'ml', 'tf', 'hcl', 'proto', 'graphql'
                ],
                [
                    'Python', 'Python', 'Jupyter Notebook', 'JavaScript', 'JavaScript', 'JavaScript', 'JavaScript', 'TypeScript', 'TypeScript', 'TypeScript', 'TypeScript', 'Rust', 'Go', 'Java', 'Kotlin', 'Kotlin',
                    'Scala', 'Swift', 'C', 'C', 'C++', 'C++', 'C++', 'C++', 'C++', 'C#', 'Ruby', 'PHP', 'Shell', 'Shell', 'Shell', 'Shell',
                    'PowerShell', 'SQL', 'HTML', 'HTML', 'CSS', 'CSS', 'CSS', 'CSS', 'Vue', 'Svelte', 'JSON', 'JSON', 'YAML', 'YAML',
                    'TOML', 'XML', 'Markdown', 'Markdown', 'reStructuredText', 'Text', 'Lua', 'Perl', 'R', 'Julia', 'Elixir', 'Elixir', 'Erlang', 'Haskell', 'Clojure', 'Dart',
                    'Zig', 'OCaml', 'Terraform', 'HCL', 'Protocol Buffers', 'GraphQL'
                ],
                'other')) AS language,
        uniqExact(file) AS files,
        sum(reads) AS reads,
        sum(changes) AS changes,
        0. AS decisions,
        0. AS accepted,
        groupUniqArrayArray(sessions) AS sessions,
        groupUniqArrayArray(users) AS users
    FROM
    (
        SELECT
            arrayFirst(
                x -> x != '',
                [JSONExtractString(LogAttributes['tool_input'], 'file_path'), JSONExtractString(LogAttributes['tool_input'], 'notebook_path')]) AS file,
            countIf(ToolName IN ('Read', 'NotebookRead')) AS reads,
            countIf(ToolName NOT IN ('Read', 'NotebookRead') AND ifNull(Success, false)) AS changes,
            groupUniqArrayIf(SessionId, SessionId != '') AS sessions,
            groupUniqArrayIf(UserId, UserId != '') AS users
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent = 'tool_result'
            AND ToolName IN ('Edit', 'MultiEdit', 'NotebookEdit', 'Write', 'Read', 'NotebookRead')
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
        GROUP BY file
        HAVING file != ''
    )
    GROUP BY language
    UNION ALL
    SELECT
        if(points.language IN ('', 'unknown'), 'other', points.language) AS language,
        0 AS files,
        0 AS reads,
        0 AS changes,
        sum(increase) AS decisions,
        sumIf(increase, decision = 'accept') AS accepted,
        groupUniqArrayIf(SessionId, SessionId != '') AS sessions,
        groupUniqArrayIf(UserId, UserId != '') AS users
    FROM
    (
        SELECT *
        FROM
        (
            SELECT
                TimeUnix,
                SessionId,
                UserId,
                TeamId,
                Project,
                Attributes['language'] AS language,
                Attributes['decision'] AS decision,
                -- A delta point is what was added. A cumulative one is a running total, of which the rise over the point before
                -- counts; that point is looked for up to a day before the range.
                multiIf(
                    AggregationTemporality != 2, Value,
                    row_number() OVER series > 1,
                        if(Value < lagInFrame(Value) OVER series, Value, Value - lagInFrame(Value) OVER series),
                    StartTimeUnix >= {from:DateTime64(9, 'UTC')} - toIntervalDay(1), Value,
                    0) AS increase
            FROM otel_metrics_sum
            WHERE TenantId = {tenant:String}
                AND MetricName = 'claude_code.code_edit_tool.decision'
                AND TimeUnix >= {from:DateTime64(9, 'UTC')} - toIntervalDay(1)
                AND toStartOfHour(TimeUnix) > {from:DateTime64(9, 'UTC')} - toIntervalDay(1) - toIntervalHour(1)
                AND (AggregationTemporality = 2 OR TimeUnix >= {from:DateTime64(9, 'UTC')})
                AND TimeUnix < {to:DateTime64(9, 'UTC')}
                AND toStartOfHour(TimeUnix) < {to:DateTime64(9, 'UTC')}
                AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
                AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
                AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
                AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
                AND (empty({terminal:Array(String)}) OR Attributes['terminal.type'] IN {terminal:Array(String)})
                AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
            WINDOW series AS
            (
                PARTITION BY SessionId, StartTimeUnix, cityHash64(toString(Attributes))
                ORDER BY TimeUnix
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        )
        WHERE TimeUnix >= {from:DateTime64(9, 'UTC')}
    ) AS points
    GROUP BY language
) AS by_source
GROUP BY language
ORDER BY
    changes DESC,
    reads DESC,
    edit_decisions DESC,
    language
LIMIT {limit:UInt32}
