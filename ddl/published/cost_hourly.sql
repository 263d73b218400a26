-- Cost and tokens by the hour and everything that cost is asked by.
CREATE OR REPLACE VIEW {published:Identifier}.cost_hourly
(
    hour DateTime('UTC') COMMENT 'start of the hour',
    model LowCardinality(String) COMMENT 'the model, by the one name that all its spellings have',
    user LowCardinality(String) COMMENT 'who ran it: e-mail address, or the id that the client sends instead',
    team LowCardinality(String) COMMENT 'the team that the sender''s key or the client names',
    project LowCardinality(String) COMMENT 'the project, where the client names one',
    organization LowCardinality(String) COMMENT 'the provider''s organization',
    terminal LowCardinality(String) COMMENT 'terminal or editor',
    version LowCardinality(String) COMMENT 'the client''s version',
    query_source LowCardinality(String) COMMENT 'what of the agent asked',
    agent LowCardinality(String) COMMENT 'the subagent, if one asked',
    skill LowCardinality(String) COMMENT 'the skill, if one asked',
    mcp_server LowCardinality(String) COMMENT 'the MCP server, if one is behind it',
    speed LowCardinality(String) COMMENT 'normal or fast',
    requests UInt64 COMMENT 'API requests that were answered',
    cost Decimal(38, 9) COMMENT 'US dollars, as the client reported them',
    cost_list Nullable(Float64) COMMENT 'US dollars, recomputed from tokens and list prices; null where no price is known',
    input_tokens UInt64 COMMENT 'tokens sent, cached ones not included',
    output_tokens UInt64 COMMENT 'tokens generated',
    cache_read_tokens UInt64 COMMENT 'tokens read from the cache',
    cache_creation_tokens UInt64 COMMENT 'tokens written to the cache',
    duration_ms UInt64 COMMENT 'of all requests together, in milliseconds'
)
SQL SECURITY DEFINER
AS SELECT
    Hour AS hour,
    Model AS model,
    UserId AS user,
    TeamId AS team,
    Project AS project,
    Organization AS organization,
    Terminal AS terminal,
    Version AS version,
    QuerySource AS query_source,
    Agent AS agent,
    Skill AS skill,
    McpServer AS mcp_server,
    Speed AS speed,
    Requests AS requests,
    Cost AS cost,
    CostList AS cost_list,
    InputTokens AS input_tokens,
    OutputTokens AS output_tokens,
    CacheReadTokens AS cache_read_tokens,
    CacheCreationTokens AS cache_creation_tokens,
    DurationMs AS duration_ms
FROM cost_hourly_priced
WHERE {scope}
COMMENT 'Cost and tokens by the hour and everything that cost is asked by'
