-- Metric points (exponential histogram) in the columns of the OpenTelemetry Collector's exporter, and Granary's.
CREATE OR REPLACE VIEW {published:Identifier}.otel_metrics_exponential_histogram
SQL SECURITY DEFINER
AS SELECT *
FROM otel_metrics_exponential_histogram
WHERE {scope}
COMMENT 'Metric points (exponential histogram) in the columns of the OpenTelemetry Collector''s exporter, and Granary''s'
