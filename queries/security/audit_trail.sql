/*
question = "Who did what, in order?"
filters = ["user", "team", "project", "model", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 100000 }
cache = "5s"

[params.events]
type = "strings"
default = ["user_prompt", "tool_decision", "tool_result", "subagent_completed", "permission_mode_changed", "auth", "mcp_server_connection", "plugin_installed", "plugin_loaded", "skill_activated", "hook_registered", "api_refusal", "managed_settings_resolved", "feedback_survey"]
help = "events of these names"

[params.outcomes]
type = "strings"
default = []
help = "only these outcomes; empty means all"

[params.text]
type = "string"
default = ""
help = "only rows whose action or target holds this text, in capitals or not"

[cursor]
time = "DateTime64(3, 'UTC')"
session = "String"
sequence = "UInt64"
event_id = "UInt128"

[columns]
time = "when it happened; the earliest comes first"
session = "the session's id"
sequence = "the number the client's process gave the event"
user = "who ran it"
team = "the user's team"
project = "what was worked on"
event = "the agent's name of the event"
action = "what was done, in words"
tool = "the tool, where one is concerned"
target = "the command, file, address or name it was about, at most 500 characters; empty where the client keeps it back"
by = "who allowed or refused, or what set it off"
outcome = "ok, failed, allowed or refused; empty where the event has none"
error = "the error's text or type, at most 500 characters"
duration_ms = "how long it took in milliseconds; null where the event does not say"
prompt = "the id of the prompt it belongs to"
call = "the id of the tool's call"
terminal = "the terminal or editor"
version = "the client's version"
event_id = "the event's own id, by which it can be found again"
*/
SELECT
    toDateTime64(Timestamp, 3, 'UTC') AS time,
    SessionId AS session,
    Sequence AS sequence,
    UserId AS user,
    TeamId AS team,
    Project AS project,
    AgentEvent AS event,
    multiIf(
        AgentEvent = 'user_prompt' AND startsWith(LogAttributes['prompt'], '<task-notification>'), 'heard from a background agent',
        AgentEvent = 'user_prompt', if(LogAttributes['command_name'] = '', 'gave a prompt', 'gave a command'),
        AgentEvent = 'tool_decision', if(LogAttributes['decision'] = 'accept', 'allowed a tool', 'refused a tool'),
        AgentEvent = 'tool_result', 'ran a tool',
        AgentEvent = 'subagent_completed', 'completed a subagent',
        AgentEvent = 'permission_mode_changed', 'changed the permission mode',
        AgentEvent = 'auth', concat('did a ', LogAttributes['action']),
        AgentEvent = 'mcp_server_connection', concat('MCP server ', LogAttributes['status']),
        replaceAll(AgentEvent, '_', ' ')) AS action,
    ToolName AS tool,
    substringUTF8(
        arrayFirst(
            x -> x != '',
            [
                JSONExtractString(LogAttributes['tool_parameters'], 'full_command'),
                JSONExtractString(LogAttributes['tool_input'], 'command'),
                JSONExtractString(LogAttributes['tool_input'], 'file_path'),
                JSONExtractString(LogAttributes['tool_input'], 'notebook_path'),
                JSONExtractString(LogAttributes['tool_input'], 'url'),
                JSONExtractString(LogAttributes['tool_input'], 'query'),
                JSONExtractString(LogAttributes['tool_input'], 'pattern'),
                JSONExtractString(LogAttributes['tool_parameters'], 'subagent_type'),
                JSONExtractString(LogAttributes['tool_parameters'], 'skill_name'),
                JSONExtractString(LogAttributes['tool_parameters'], 'mcp_tool_name'),
                if(AgentEvent = 'permission_mode_changed', concat(LogAttributes['from_mode'], ' to ', LogAttributes['to_mode']), ''),
                LogAttributes['command_name'], LogAttributes['agent_type'], LogAttributes['server_name'], LogAttributes['skill.name'],
                LogAttributes['plugin.name'], LogAttributes['auth_method'], LogAttributes['hook_event']
            ]),
        1, 500) AS target,
    arrayFirst(
        x -> x != '',
        [
            LogAttributes['source'], LogAttributes['decision_source'], LogAttributes['trigger'], LogAttributes['invocation_trigger'],
            LogAttributes['command_source'], LogAttributes['managed_settings.trigger'], LogAttributes['hook_source']
        ]) AS by,
    multiIf(
        AgentEvent = 'tool_decision', if(LogAttributes['decision'] = 'accept', 'allowed', 'refused'),
        AgentEvent = 'tool_result', if(ifNull(Success, false), 'ok', 'failed'),
        AgentEvent = 'mcp_server_connection', if(LogAttributes['status'] = 'failed', 'failed', 'ok'),
        AgentEvent = 'api_refusal', 'refused',
        Success IS NULL, '',
        Success, 'ok',
        'failed') AS outcome,
    substringUTF8(if(LogAttributes['error'] = '', LogAttributes['error_type'], LogAttributes['error']), 1, 500) AS error,
    if(mapContains(LogAttributes, 'duration_ms'), DurationMs, NULL) AS duration_ms,
    PromptId AS prompt,
    LogAttributes['tool_use_id'] AS call,
    LogAttributes['terminal.type'] AS terminal,
    ResourceAttributes['service.version'] AS version,
    toString(EventId) AS event_id
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent IN {events:Array(String)}
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND Timestamp >= {after_time:DateTime64(3, 'UTC')}
    AND toStartOfHour(Timestamp) > {after_time:DateTime64(3, 'UTC')} - toIntervalHour(1)
    AND (
        NOT {after:Bool}
        OR (time, SessionId, Sequence, EventId)
            > ({after_time:DateTime64(3, 'UTC')}, {after_session:String}, {after_sequence:UInt64}, {after_event_id:UInt128})
    )
    AND (empty({outcomes:Array(String)}) OR outcome IN {outcomes:Array(String)})
    AND (empty({text:String}) OR positionCaseInsensitiveUTF8(concat(action, ' ', target), {text:String}) > 0)
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({model:Array(String)}) OR Model IN {model:Array(String)})
    AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
    AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
ORDER BY
    time,
    SessionId,
    Sequence,
    EventId
LIMIT {limit:UInt32}
