-- Metric points (summary) in the columns of the OpenTelemetry Collector's exporter, and Granary's.
CREATE OR REPLACE VIEW {published:Identifier}.otel_metrics_summary
SQL SECURITY DEFINER
AS SELECT *
FROM otel_metrics_summary
WHERE {scope}
COMMENT 'Metric points (summary) in the columns of the OpenTelemetry Collector''s exporter, and Granary''s'
