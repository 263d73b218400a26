-- Cost and tokens by the hour, as the rollup has them. In the table's own columns, rows of the same key unmerged.
CREATE OR REPLACE VIEW {published:Identifier}.rollup_cost_hourly
(
    Hour DateTime('UTC') COMMENT 'start of the hour',
    Model LowCardinality(String) COMMENT 'the model, by the one name that all its spellings have',
    TeamId LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    Project LowCardinality(String) COMMENT 'the project, where the client names one',
    UserId String COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    Organization LowCardinality(String) COMMENT 'the provider''s organization',
    Terminal LowCardinality(String) COMMENT 'terminal or editor',
    Version LowCardinality(String) COMMENT 'the client''s version',
    QuerySource LowCardinality(String) COMMENT 'what of the agent asked',
    Agent LowCardinality(String) COMMENT 'the subagent, if one asked',
    Skill LowCardinality(String) COMMENT 'the skill, if one asked',
    McpServer LowCardinality(String) COMMENT 'the MCP server, if one is behind it',
    Speed LowCardinality(String) COMMENT 'normal or fast',
    LongContext Bool COMMENT 'whether the requests had more than 200,000 input tokens, cached ones included',
    Requests UInt64 COMMENT 'API requests that were answered',
    Cost Decimal(38, 9) COMMENT 'US dollars, as the client reported them',
    InputTokens UInt64 COMMENT 'tokens sent, cached ones not included',
    OutputTokens UInt64 COMMENT 'tokens generated',
    CacheReadTokens UInt64 COMMENT 'tokens read from the cache',
    CacheCreationTokens UInt64 COMMENT 'tokens written to the cache',
    CacheCreation5mTokens UInt64 COMMENT 'of the tokens written to the cache, those kept for five minutes',
    CacheCreation1hTokens UInt64 COMMENT 'of the tokens written to the cache, those kept for an hour',
    DurationMs UInt64 COMMENT 'of all requests together, in milliseconds'
)
SQL SECURITY DEFINER
AS SELECT
    Hour,
    Model,
    TeamId,
    Project,
    UserId,
    Organization,
    Terminal,
    Version,
    QuerySource,
    Agent,
    Skill,
    McpServer,
    Speed,
    LongContext,
    Requests,
    Cost,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheCreationTokens,
    CacheCreation5mTokens,
    CacheCreation1hTokens,
    DurationMs
FROM cost_hourly
WHERE {scope}
COMMENT 'Cost and tokens by the hour, as the rollup has them'
