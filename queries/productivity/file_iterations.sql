/*
question = "Which files are changed again and again within a session?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "60s"

[params.min_changes]
type = "uint"
default = 2
min = 1
max = 1000000
help = "files that were changed less often in the session are left out"

# Only where the client sends the details of tools.
[columns]
session = "the session's id"
user = "who ran it"
project = "what was worked on"
file = "the file's path"
changes = "edits and writes that succeeded"
edits = "calls of Edit, MultiEdit and NotebookEdit that succeeded"
writes = "calls of Write that succeeded"
failed = "edits and writes that failed"
reads = "times the file was read"
first_change = "time of the first edit or write"
last_change = "time of the last edit or write"
minutes = "minutes from the first change to the last"
*/
SELECT
    SessionId AS session,
    max(UserId) AS user,
    max(Project) AS project,
    arrayFirst(
        x -> x != '',
        [JSONExtractString(LogAttributes['tool_input'], 'file_path'), JSONExtractString(LogAttributes['tool_input'], 'notebook_path')]) AS file,
    edits + writes AS changes,
    countIf(ToolName IN ('Edit', 'MultiEdit', 'NotebookEdit') AND ifNull(Success, false)) AS edits,
    countIf(ToolName = 'Write' AND ifNull(Success, false)) AS writes,
    countIf(ToolName NOT IN ('Read', 'NotebookRead') AND NOT ifNull(Success, false)) AS failed,
    countIf(ToolName IN ('Read', 'NotebookRead')) AS reads,
    toDateTime64(minIf(Timestamp, ToolName NOT IN ('Read', 'NotebookRead')), 3, 'UTC') AS first_change,
    toDateTime64(maxIf(Timestamp, ToolName NOT IN ('Read', 'NotebookRead')), 3, 'UTC') AS last_change,
    dateDiff('millisecond', first_change, last_change) / 60000 AS minutes
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
GROUP BY
    session,
    file
HAVING file != ''
    AND changes >= {min_changes:UInt64}
ORDER BY
    changes DESC,
    session,
    file
LIMIT {limit:UInt32}
