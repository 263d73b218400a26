-- Log records in the columns of the OpenTelemetry Collector's exporter, and Granary's.
CREATE OR REPLACE VIEW {published:Identifier}.otel_logs
SQL SECURITY DEFINER
AS SELECT *
FROM otel_logs
WHERE {scope}
COMMENT 'Log records in the columns of the OpenTelemetry Collector''s exporter, and Granary''s'
