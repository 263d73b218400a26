-- Tool calls by the hour, as the rollup has them. In the table's own columns, rows of the same key unmerged.
CREATE OR REPLACE VIEW {published:Identifier}.rollup_tool_usage_hourly
(
    Hour DateTime('UTC') COMMENT 'start of the hour',
    ToolName LowCardinality(String) COMMENT 'the tool',
    TeamId LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    Project LowCardinality(String) COMMENT 'the project, where the client names one',
    UserId String COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    Terminal LowCardinality(String) COMMENT 'terminal or editor',
    Version LowCardinality(String) COMMENT 'the client''s version',
    Calls UInt64 COMMENT 'calls that were carried out',
    Ok UInt64 COMMENT 'of them, those that succeeded',
    Failed UInt64 COMMENT 'of them, those that did not',
    DurationMs UInt64 COMMENT 'of all calls together, in milliseconds',
    DurationQuantiles AggregateFunction(quantilesBFloat16(0.5, 0.95, 0.99), UInt64) COMMENT 'of the durations; quantilesBFloat16Merge(0.5, 0.95, 0.99) tells them',
    Accepted UInt64 COMMENT 'calls that were allowed',
    Rejected UInt64 COMMENT 'calls that were refused'
)
SQL SECURITY DEFINER
AS SELECT
    Hour,
    ToolName,
    TeamId,
    Project,
    UserId,
    Terminal,
    Version,
    Calls,
    Ok,
    Failed,
    DurationMs,
    DurationQuantiles,
    Accepted,
    Rejected
FROM tool_usage_hourly
WHERE {scope}
COMMENT 'Tool calls by the hour, as the rollup has them'
