-- Sessions day by day, as the rollup has them. In the table's own columns, rows of the same key unmerged.
CREATE OR REPLACE VIEW {published:Identifier}.rollup_sessions
(
    Day Date COMMENT 'the day (UTC)',
    SessionId String COMMENT 'the session',
    UserId String COMMENT 'who ran it',
    TeamId String COMMENT 'the team',
    Project String COMMENT 'the project, where the client names one',
    Terminal String COMMENT 'terminal or editor',
    Version String COMMENT 'the client''s version',
    Start DateTime64(9) COMMENT 'the first event of the day',
    End DateTime64(9) COMMENT 'the latest event of the day',
    Events UInt64 COMMENT 'events',
    Prompts UInt64 COMMENT 'prompts that the user gave',
    Requests UInt64 COMMENT 'API requests that were answered',
    Cost Decimal(38, 9) COMMENT 'US dollars, as the client reported them',
    InputTokens UInt64 COMMENT 'tokens sent, cached ones not included',
    OutputTokens UInt64 COMMENT 'tokens generated',
    CacheReadTokens UInt64 COMMENT 'tokens read from the cache',
    CacheCreationTokens UInt64 COMMENT 'tokens written to the cache',
    RequestMs UInt64 COMMENT 'of all requests together, in milliseconds',
    Tools UInt64 COMMENT 'tool calls that were carried out',
    ToolErrors UInt64 COMMENT 'of them, those that failed',
    ApiErrors UInt64 COMMENT 'API requests that failed for good',
    Models Array(String) COMMENT 'the models that answered',
    LastIngestedAt DateTime64(3) COMMENT 'when the latest event was received'
)
SQL SECURITY DEFINER
AS SELECT
    Day,
    SessionId,
    UserId,
    TeamId,
    Project,
    Terminal,
    Version,
    Start,
    End,
    Events,
    Prompts,
    Requests,
    Cost,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheCreationTokens,
    RequestMs,
    Tools,
    ToolErrors,
    ApiErrors,
    Models,
    LastIngestedAt
FROM sessions
WHERE {scope}
COMMENT 'Sessions day by day, as the rollup has them'
