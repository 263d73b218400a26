/*
question = "How many files are read, written and edited, over time?"
filters = ["user", "team", "project", "terminal", "version"]
tables = ["tool_usage_hourly"]
limit = { default = 5000, max = 50000 }
cache = "10s"

[params.bucket]
type = "enum"
values = ["none", "hour", "day"]
default = "hour"
help = "one row in all, or one per hour or day (UTC)"

[columns]
bucket = "start of the hour or day; only when bucket is not none"
reads = "calls of Read and NotebookRead"
writes = "calls of Write"
edits = "calls of Edit, MultiEdit and NotebookEdit"
operations = "reads, writes and edits together"
failed = "operations that failed"
failure_rate = "failed / operations, 0 to 1"
reads_per_change = "reads / (writes + edits)"
*/
SELECT
-- @when bucket = hour
    Hour AS bucket,
-- @end
-- @when bucket = day
    toStartOfDay(Hour) AS bucket,
-- @end
    sumIf(Calls, ToolName IN ('Read', 'NotebookRead')) AS reads,
    sumIf(Calls, ToolName = 'Write') AS writes,
    sumIf(Calls, ToolName IN ('Edit', 'MultiEdit', 'NotebookEdit')) AS edits,
    sum(Calls) AS operations,
    sum(Failed) AS failed,
    failed / nullIf(operations, 0) AS failure_rate,
    reads / nullIf(writes + edits, 0) AS reads_per_change
FROM tool_usage_hourly
WHERE TenantId = {tenant:String}
    AND ToolName IN ('Read', 'NotebookRead', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit')
    AND Hour >= toStartOfHour({from:DateTime64(9, 'UTC')})
    AND Hour < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({terminal:Array(String)}) OR Terminal IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR Version IN {version:Array(String)})
-- @when bucket = hour, day
GROUP BY bucket
HAVING operations > 0
ORDER BY bucket
-- @end
LIMIT {limit:UInt32}
