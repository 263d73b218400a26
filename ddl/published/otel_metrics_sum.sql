-- Metric points (sum) in the columns of the OpenTelemetry Collector's exporter, and Granary's.
CREATE OR REPLACE VIEW {published:Identifier}.otel_metrics_sum
SQL SECURITY DEFINER
AS SELECT *
FROM otel_metrics_sum
WHERE {scope}
COMMENT 'Metric points (sum) in the columns of the OpenTelemetry Collector''s exporter, and Granary''s'
