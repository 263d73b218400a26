/*
question = "Which tools follow one another within a session, and how often?"
# tool keeps the chains that contain one of the tools, whole.
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "60s"

[params.length]
type = "uint"
default = 2
min = 2
max = 4
help = "how many tools make a chain"

[params.event]
type = "enum"
values = ["tool_result", "tool_decision"]
default = "tool_result"
help = "chains of tools that ran, or of tools that were asked for, refused ones included"

[columns]
sequence = "the tools in order, joined by arrows"
count = "how often the chain occurs; chains overlap"
sessions = "sessions in which it occurs"
*/
SELECT
    arrayStringConcat(chain, ' → ') AS sequence,
    count() AS count,
    uniqExact(SessionId) AS sessions
FROM
(
    SELECT
        SessionId,
        arrayMap(call -> call.3, arraySort(groupArray((Timestamp, Sequence, ToolName)))) AS tools
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent = {event:String}
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND SessionId != ''
        AND ToolName != ''
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    GROUP BY SessionId
    HAVING length(tools) >= {length:UInt64}
)
ARRAY JOIN arrayShingles(tools, {length:UInt64}) AS chain
WHERE empty({tool:Array(String)}) OR hasAny(chain, {tool:Array(String)})
GROUP BY sequence
ORDER BY
    count DESC,
    sequence
LIMIT {limit:UInt32}
