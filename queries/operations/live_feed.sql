/*
question = "What has just been done?"
filters = ["user", "team", "project", "model", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 50, max = 1000 }
cache = "1s"
default_from = "-1h"

[params.events]
type = "strings"
default = ["user_prompt", "api_request", "api_error", "tool_result", "tool_decision", "subagent_completed", "compaction"]
help = "events of these names; decisions are shown only where they are refusals"

[columns]
time = "when it happened; the latest comes first"
event = "the agent's name of the event"
session = "the session's id"
user = "who ran it"
project = "what was worked on"
tool = "the tool, where one is concerned"
model = "the model, where one is concerned"
success = "whether it succeeded; false for an API error and a refusal, null where the event does not say"
duration_ms = "how long it took in milliseconds; null where the event does not say"
cost = "USD, as the client reported it; null but for API requests"
target = "the file, command, pattern or address it was about, at most 200 characters; empty where the client keeps it back"
line = "the event in one line"
*/
SELECT
    toDateTime64(Timestamp, 3, 'UTC') AS time,
    AgentEvent AS event,
    SessionId AS session,
    UserId AS user,
    Project AS project,
    ToolName AS tool,
    Model AS model,
    multiIf(AgentEvent = 'api_request', true, AgentEvent IN ('api_error', 'tool_decision'), false, Success) AS success,
    if(mapContains(LogAttributes, 'duration_ms'), DurationMs, NULL) AS duration_ms,
    if(AgentEvent = 'api_request', toFloat64(Cost), NULL) AS cost,
    substringUTF8(
        replaceRegexpAll(
            arrayFirst(
                x -> x != '',
                [
                    JSONExtractString(LogAttributes['tool_input'], 'file_path'),
                    JSONExtractString(LogAttributes['tool_input'], 'notebook_path'),
                    JSONExtractString(LogAttributes['tool_parameters'], 'full_command'),
                    JSONExtractString(LogAttributes['tool_input'], 'command'),
                    JSONExtractString(LogAttributes['tool_input'], 'pattern'),
                    JSONExtractString(LogAttributes['tool_input'], 'url'),
                    JSONExtractString(LogAttributes['tool_input'], 'query'),
                    JSONExtractString(LogAttributes['tool_input'], 'description'),
                    JSONExtractString(LogAttributes['tool_parameters'], 'subagent_type'),
                    JSONExtractString(LogAttributes['tool_parameters'], 'skill_name'),
                    JSONExtractString(LogAttributes['tool_parameters'], 'mcp_tool_name'),
                    LogAttributes['agent_type']
                ]),
            '\\s+', ' '),
        1, 200) AS target,
    concat(
        '[', formatDateTime(time, '%H:%i:%S', 'UTC'), '] [',
        multiIf(tool != '', toString(tool), model != '', toString(model), '-'), '] ',
        event,
        multiIf(success IS NULL, '', AgentEvent = 'tool_decision', ' refused', success, ' ok', ' failed'),
        if(duration_ms IS NULL, '', concat(' (', toString(assumeNotNull(duration_ms)), ' ms)')),
        if(target = '', '', concat(' - ', target))) AS line
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent IN {events:Array(String)}
    AND (AgentEvent != 'tool_decision' OR LogAttributes['decision'] = 'reject')
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
    AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
    AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
ORDER BY
    Timestamp DESC,
    SessionId,
    Sequence DESC,
    EventId
LIMIT {limit:UInt32}
