-- What agents did, one row an act, in a shape that does not depend on the agent: files, commands, tasks.
CREATE OR REPLACE VIEW {published:Identifier}.telemetry_events
(
    timestamp DateTime64(6, 'UTC') COMMENT 'when it happened, by the client''s clock',
    session_id String COMMENT 'the session',
    event_type LowCardinality(String) COMMENT 'file.read, file.write, command.executed, agent.task.completed, agent.task.failed, tool.used, tool.failed, or agent. and the event''s own name',
    agent LowCardinality(String) COMMENT 'the subagent, else the client''s program',
    task_id String COMMENT 'the prompt it came of',
    severity LowCardinality(String) COMMENT 'error where something failed, else info',
    file_path String COMMENT 'the file, where the client sends it',
    lines_added UInt32 COMMENT 'always 0: clients count lines in a metric and not by file',
    lines_removed UInt32 COMMENT 'always 0, likewise',
    command_binary String COMMENT 'the first word of the command, where the client sends it',
    exit_code Int32 COMMENT '0 where the act succeeded, 1 where it failed; clients do not send the number itself',
    duration_ms UInt64 COMMENT 'how long it took, in milliseconds',
    cpu_time_ms UInt64 COMMENT 'always 0: clients do not send it',
    peak_memory_mib Float32 COMMENT 'always 0, likewise',
    metadata String COMMENT 'the event''s attributes as JSON',
    date Date COMMENT 'the day of timestamp (UTC)'
)
SQL SECURITY DEFINER
AS SELECT
    toDateTime64(Timestamp, 6, 'UTC') AS timestamp,
    SessionId AS session_id,
    multiIf(
        AgentEvent != 'tool_result', concat('agent.', AgentEvent),
        ToolName = 'Bash', 'command.executed',
        ToolName IN ('Read', 'NotebookRead'), 'file.read',
        ToolName IN ('Write', 'Edit', 'MultiEdit', 'NotebookEdit'), 'file.write',
        ToolName IN ('Task', 'Agent'), if(ifNull(Success, false), 'agent.task.completed', 'agent.task.failed'),
        ifNull(Success, false), 'tool.used',
        'tool.failed') AS event_type,
    if(LogAttributes['agent.name'] != '', LogAttributes['agent.name'], ServiceName) AS agent,
    PromptId AS task_id,
    if(has_failed, 'error', 'info') AS severity,
    coalesce(
        nullIf(JSONExtractString(LogAttributes['tool_input'], 'file_path'), ''),
        nullIf(JSONExtractString(LogAttributes['tool_input'], 'notebook_path'), ''),
        JSONExtractString(LogAttributes['tool_parameters'], 'file_path')) AS file_path,
    0 AS lines_added,
    0 AS lines_removed,
    if(
        ToolName = 'Bash',
        splitByChar(' ', trimLeft(coalesce(
            nullIf(JSONExtractString(LogAttributes['tool_parameters'], 'full_command'), ''),
            nullIf(JSONExtractString(LogAttributes['tool_parameters'], 'bash_command'), ''),
            JSONExtractString(LogAttributes['tool_input'], 'command'))))[1],
        '') AS command_binary,
    toInt32(has_failed) AS exit_code,
    DurationMs AS duration_ms,
    0 AS cpu_time_ms,
    0 AS peak_memory_mib,
    toJSONString(LogAttributes) AS metadata,
    toDate(Timestamp, 'UTC') AS date
FROM
(
    SELECT
        *,
        (AgentEvent = 'tool_result' AND NOT ifNull(Success, false)) OR AgentEvent IN ('api_error', 'internal_error') AS has_failed
    FROM otel_logs
    WHERE {scope}
)
COMMENT 'What agents did, one row an act, in a shape that does not depend on the agent'
