-- Spans in the columns of the OpenTelemetry Collector's exporter, and Granary's.
CREATE OR REPLACE VIEW {published:Identifier}.otel_traces
SQL SECURITY DEFINER
AS SELECT *
FROM otel_traces
WHERE {scope}
COMMENT 'Spans in the columns of the OpenTelemetry Collector''s exporter, and Granary''s'
