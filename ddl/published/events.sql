-- Every event of every agent, with its attributes.
CREATE OR REPLACE VIEW {published:Identifier}.events
(
    time DateTime64(9, 'UTC') COMMENT 'when it happened, by the client''s clock',
    event LowCardinality(String) COMMENT 'the event''s name without the product''s prefix, such as api_request',
    session String COMMENT 'the session; joins with every other view',
    user LowCardinality(String) COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    team LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    project LowCardinality(String) COMMENT 'the project, where the client names one',
    model LowCardinality(String) COMMENT 'the model, by the one name that all its spellings have',
    tool LowCardinality(String) COMMENT 'the tool, where the event has one',
    success Nullable(Bool) COMMENT 'the outcome, where the event has one',
    duration_ms UInt64 COMMENT 'how long it took, in milliseconds',
    severity LowCardinality(String) COMMENT 'the severity, where the client gives one',
    body String COMMENT 'the record''s body',
    attributes Map(String, String) COMMENT 'the record''s attributes',
    resource Map(String, String) COMMENT 'the sender''s attributes',
    trace_id String COMMENT 'the trace it belongs to',
    span_id String COMMENT 'the span it belongs to',
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
    AgentEvent AS event,
    SessionId AS session,
    UserId AS user,
    TeamId AS team,
    Project AS project,
    Model AS model,
    ToolName AS tool,
    Success AS success,
    DurationMs AS duration_ms,
    SeverityText AS severity,
    Body AS body,
    LogAttributes AS attributes,
    ResourceAttributes AS resource,
    TraceId AS trace_id,
    SpanId AS span_id,
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
COMMENT 'Every event of every agent, with its attributes'
