-- Spans of agents' traces.
CREATE OR REPLACE VIEW {published:Identifier}.spans
(
    time DateTime64(9, 'UTC') COMMENT 'when the span began, by the client''s clock',
    session String COMMENT 'the session; joins with every other view',
    user LowCardinality(String) COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    team LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    project LowCardinality(String) COMMENT 'the project, where the client names one',
    name LowCardinality(String) COMMENT 'the span''s name',
    kind LowCardinality(String) COMMENT 'Internal, Client, Server, Producer or Consumer',
    trace_id String COMMENT 'the trace',
    span_id String COMMENT 'the span',
    parent_span_id String COMMENT 'the span that this one is within; empty at the root',
    duration_ms Float64 COMMENT 'how long it took, in milliseconds',
    status LowCardinality(String) COMMENT 'Unset, Ok or Error',
    status_message String COMMENT 'what the status says',
    model LowCardinality(String) COMMENT 'the model, by the one name that all its spellings have',
    tool LowCardinality(String) COMMENT 'the tool, where the span has one',
    attributes Map(String, String) COMMENT 'the span''s attributes',
    resource Map(String, String) COMMENT 'the sender''s attributes',
    service LowCardinality(String) COMMENT 'the client''s program',
    ingested_at DateTime64(3, 'UTC') COMMENT 'when it was received'
)
SQL SECURITY DEFINER
AS SELECT
    Timestamp AS time,
    SessionId AS session,
    UserId AS user,
    TeamId AS team,
    Project AS project,
    SpanName AS name,
    SpanKind AS kind,
    TraceId AS trace_id,
    SpanId AS span_id,
    ParentSpanId AS parent_span_id,
    Duration / 1e6 AS duration_ms,
    StatusCode AS status,
    StatusMessage AS status_message,
    Model AS model,
    ToolName AS tool,
    SpanAttributes AS attributes,
    ResourceAttributes AS resource,
    ServiceName AS service,
    IngestedAt AS ingested_at
FROM otel_traces
WHERE {scope}
COMMENT 'Spans of agents'' traces'
