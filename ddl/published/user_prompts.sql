-- Prompts that were given to an agent.
CREATE OR REPLACE VIEW {published:Identifier}.user_prompts
(
    time DateTime64(9, 'UTC') COMMENT 'when it happened, by the client''s clock',
    session String COMMENT 'the session; joins with every other view',
    user LowCardinality(String) COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    team LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    project LowCardinality(String) COMMENT 'the project, where the client names one',
    length UInt64 COMMENT 'characters of the prompt',
    text String COMMENT 'the prompt, where the client sends it',
    command String COMMENT 'the slash command, if it is one',
    terminal LowCardinality(String) COMMENT 'terminal or editor the agent runs in',
    version LowCardinality(String) COMMENT 'the client''s version',
    service LowCardinality(String) COMMENT 'the client''s program, such as claude-code',
    prompt String COMMENT 'the prompt it came of',
    sequence UInt64 COMMENT 'number within the client''s process, which orders what has the same time',
    event_id UUID COMMENT 'what makes the event one event',
    ingested_at DateTime64(3, 'UTC') COMMENT 'when it was received',
    hour DateTime COMMENT 'start of the hour of time; with a condition on it beside one on time, hours are read and not months'
)
SQL SECURITY DEFINER
AS SELECT
    Timestamp AS time,
    SessionId AS session,
    UserId AS user,
    TeamId AS team,
    Project AS project,
    toUInt64OrZero(LogAttributes['prompt_length']) AS length,
    LogAttributes['prompt'] AS text,
    LogAttributes['command_name'] AS command,
    LogAttributes['terminal.type'] AS terminal,
    ResourceAttributes['service.version'] AS version,
    ServiceName AS service,
    PromptId AS prompt,
    Sequence AS sequence,
    reinterpretAsUUID(EventId) AS event_id,
    IngestedAt AS ingested_at,
    toStartOfHour(Timestamp) AS hour
FROM otel_logs
WHERE {scope}
    AND AgentEvent = 'user_prompt'
COMMENT 'Prompts that were given to an agent'
