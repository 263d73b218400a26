/*
question = "In which sessions does one tool make up nearly all the calls?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "60s"

[params.min_share]
type = "float"
default = 0.8
min = 0.0
max = 1.0
help = "sessions in which one tool has a greater share of the calls are reported"

[params.min_calls]
type = "uint"
default = 10
min = 1
max = 1000000
help = "sessions with fewer calls in the range say little"

[columns]
session = "the session's id"
user = "who ran it"
project = "what was worked on"
tool = "the tool that is called most"
calls = "calls of that tool in the range"
total_calls = "calls of all tools in the range"
share = "calls / total_calls, 0 to 1"
tools = "different tools that were called"
first_call = "time of the first call in the range"
last_call = "time of the last call in the range"
*/
SELECT
    session,
    any(user) AS user,
    any(project) AS project,
    argMax(tool, (by_tool.calls, tool)) AS tool,
    max(by_tool.calls) AS calls,
    sum(by_tool.calls) AS total_calls,
    calls / total_calls AS share,
    count() AS tools,
    toDateTime64(min(by_tool.first_call), 3, 'UTC') AS first_call,
    toDateTime64(max(by_tool.last_call), 3, 'UTC') AS last_call
FROM
(
    SELECT
        SessionId AS session,
        max(UserId) AS user,
        max(Project) AS project,
        toString(ToolName) AS tool,
        count() AS calls,
        min(Timestamp) AS first_call,
        max(Timestamp) AS last_call
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent = 'tool_result'
        AND SessionId != ''
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
        tool
) AS by_tool
GROUP BY session
HAVING total_calls >= {min_calls:UInt64}
    AND share > {min_share:Float64}
    AND (empty({tool:Array(String)}) OR tool IN {tool:Array(String)})
ORDER BY
    share DESC,
    total_calls DESC,
    session
LIMIT {limit:UInt32}
