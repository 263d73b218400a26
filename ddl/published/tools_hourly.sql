-- Tool calls by the hour, tool and caller.
CREATE OR REPLACE VIEW {published:Identifier}.tools_hourly
(
    hour DateTime('UTC') COMMENT 'start of the hour',
    tool LowCardinality(String) COMMENT 'the tool',
    user LowCardinality(String) COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    team LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    project LowCardinality(String) COMMENT 'the project, where the client names one',
    terminal LowCardinality(String) COMMENT 'terminal or editor',
    version LowCardinality(String) COMMENT 'the client''s version',
    calls UInt64 COMMENT 'calls that were carried out',
    ok UInt64 COMMENT 'of them, those that succeeded',
    failed UInt64 COMMENT 'of them, those that did not',
    duration_ms UInt64 COMMENT 'of all calls together, in milliseconds',
    accepted UInt64 COMMENT 'calls that were allowed',
    rejected UInt64 COMMENT 'calls that were refused'
)
SQL SECURITY DEFINER
AS SELECT
    Hour AS hour,
    ToolName AS tool,
    UserId AS user,
    TeamId AS team,
    Project AS project,
    Terminal AS terminal,
    Version AS version,
    Calls AS calls,
    Ok AS ok,
    Failed AS failed,
    DurationMs AS duration_ms,
    Accepted AS accepted,
    Rejected AS rejected
FROM tool_usage_hourly
WHERE {scope}
COMMENT 'Tool calls by the hour, tool and caller'
