-- Metric points (gauge) in the columns of the OpenTelemetry Collector's exporter, and Granary's.
CREATE OR REPLACE VIEW {published:Identifier}.otel_metrics_gauge
SQL SECURITY DEFINER
AS SELECT *
FROM otel_metrics_gauge
WHERE {scope}
COMMENT 'Metric points (gauge) in the columns of the OpenTelemetry Collector''s exporter, and Granary''s'
