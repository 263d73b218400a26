-- Log records in the columns of the OpenTelemetry Collector's exporter, and Granary's; the last three, which say what a tool
-- did, are MATERIALIZED in the table, so that `*` leaves them out there.
CREATE OR REPLACE VIEW {published:Identifier}.otel_logs
SQL SECURITY DEFINER
AS SELECT *, ToolCall, Commands, Touched
FROM otel_logs
WHERE {scope}
COMMENT 'Log records in the columns of the OpenTelemetry Collector''s exporter, and Granary''s'
