/*
question = "Which errors are really the same, once numbers, paths and ids are taken out, and how often does each occur?"
filters = ["user", "team", "project", "model", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[columns]
message = "the error's text with <number>, <path>, <id> and <url> in their places, at most 300 characters; the type or code of the error where the client sent no text"
event = "the event that reported it: tool_result, api_error, …"
count = "how often it occurred"
sessions = "sessions in which it occurred"
users = "users who met it"
tools = "tools that failed with it"
models = "models that were asked"
first_seen = "time of the first one"
last_seen = "time of the last one"
example = "the latest text as it came, at most 500 characters"
example_session = "the session of that example"
*/
WITH
    LogAttributes['error'] AS text,
    arrayFirst(
        x -> x != '',
        [
            LogAttributes['error_type'], LogAttributes['error_name'], LogAttributes['error_code'],
            LogAttributes['error_category'], LogAttributes['status_code'], 'unknown'
        ]) AS code,
    -- Cut before the patterns run, since an error may carry a whole program's output; and low in cardinality, so
    -- that they run once for each text in a block and not for each row.
    replaceRegexpAll(toLowCardinality(substringUTF8(text, 1, 2000)), '\\s+', ' ') AS one_line,
    replaceRegexpAll(one_line, '[a-z][a-z0-9+.-]*://[^\\s\'"`<>)\\]}]*[^\\s\'"`<>)\\]},;:.]', '<url>') AS without_urls,
    replaceRegexpAll(without_urls, '(^|[\\s\'"`(\\[{=:,])(?:(?:~|\\.{1,2})?/|[A-Za-z]:\\\\)[^\\s\'"`<>|,;:()\\[\\]{}]*[^\\s\'"`<>|,;:()\\[\\]{}.]', '\\1<path>') AS without_absolute_paths,
    replaceRegexpAll(without_absolute_paths, '[\\w.@~+-]+(?:/[\\w.@~+-]+)+\\.[A-Za-z]\\w*', '<path>') AS without_paths,
    replaceRegexpAll(without_paths, '(?i)\\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\\b', '<id>') AS without_uuids,
    -- Before the ids, which would take a long number for one.
    replaceRegexpAll(without_uuids, '\\b\\d{8,}\\b', '<number>') AS without_long_numbers,
    replaceRegexpAll(without_long_numbers, '(?i)\\b(?:0x[0-9a-f]+|[0-9a-f]{8,}|[a-z]+_(?:[a-z]*[0-9]){2}[a-z0-9]{6,})\\b', '<id>') AS without_ids,
    replaceRegexpAll(without_ids, '(^|[^A-Za-z0-9])\\d+(?:[.,]\\d+)*', '\\1<number>') AS without_numbers
SELECT
    toString(if(text = '', code, substringUTF8(trimBoth(without_numbers), 1, 300))) AS message,
    AgentEvent AS event,
    count() AS count,
    uniqExactIf(SessionId, SessionId != '') AS sessions,
    uniqExactIf(UserId, UserId != '') AS users,
    arraySort(groupUniqArrayIf(toString(ToolName), ToolName != '')) AS tools,
    arraySort(groupUniqArrayIf(toString(Model), Model != '')) AS models,
    toDateTime64(min(Timestamp), 3, 'UTC') AS first_seen,
    toDateTime64(max(Timestamp), 3, 'UTC') AS last_seen,
    argMax(if(text = '', code, substringUTF8(text, 1, 500)), (Timestamp, Sequence, SessionId)) AS example,
    argMax(SessionId, (Timestamp, Sequence, SessionId)) AS example_session
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent IN ('tool_result', 'api_error', 'internal_error', 'mcp_server_connection', 'compaction', 'auth')
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND multiIf(
        AgentEvent IN ('api_error', 'internal_error'), true,
        AgentEvent = 'tool_result', NOT ifNull(Success, false),
        AgentEvent = 'mcp_server_connection', LogAttributes['status'] = 'failed',
        Success = false)
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
    AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
    AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
GROUP BY
    message,
    event
ORDER BY
    count DESC,
    last_seen DESC,
    message,
    event
LIMIT {limit:UInt32}
