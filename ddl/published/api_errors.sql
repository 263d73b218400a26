-- API requests that failed for good, after their retries.
CREATE OR REPLACE VIEW {published:Identifier}.api_errors
(
    time DateTime64(9, 'UTC') COMMENT 'when it happened, by the client''s clock',
    session String COMMENT 'the session; joins with every other view',
    user LowCardinality(String) COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    team LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    project LowCardinality(String) COMMENT 'the project, where the client names one',
    model LowCardinality(String) COMMENT 'the model, by the one name that all its spellings have',
    error String COMMENT 'what the provider or the network said',
    status_code UInt16 COMMENT 'the HTTP status; 0 where there was no answer',
    attempt UInt16 COMMENT 'the attempt that was the last one',
    duration_ms UInt64 COMMENT 'of all attempts together, in milliseconds',
    query_source String COMMENT 'what of the agent asked',
    request_id String COMMENT 'the provider''s id of the request',
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
    Model AS model,
    LogAttributes['error'] AS error,
    toUInt16OrZero(LogAttributes['status_code']) AS status_code,
    toUInt16OrZero(LogAttributes['attempt']) AS attempt,
    DurationMs AS duration_ms,
    LogAttributes['query_source'] AS query_source,
    LogAttributes['request_id'] AS request_id,
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
    AND AgentEvent = 'api_error'
COMMENT 'API requests that failed for good, after their retries'
