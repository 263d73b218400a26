-- Sessions' tokens by day and model, as the rollup has them, with the recomputed cost. In the table's own columns, rows of the same key unmerged.
CREATE OR REPLACE VIEW {published:Identifier}.rollup_session_models_priced
(
    Day Date COMMENT 'the day (UTC)',
    SessionId String COMMENT 'the session',
    Model LowCardinality(String) COMMENT 'the model, by the one name that all its spellings have',
    Speed LowCardinality(String) COMMENT 'normal or fast',
    LongContext Bool COMMENT 'whether the requests had more than 200,000 input tokens, cached ones included',
    Requests UInt64 COMMENT 'API requests that were answered',
    Cost Decimal(38, 9) COMMENT 'US dollars, as the client reported them',
    InputTokens UInt64 COMMENT 'tokens sent, cached ones not included',
    OutputTokens UInt64 COMMENT 'tokens generated',
    CacheReadTokens UInt64 COMMENT 'tokens read from the cache',
    CacheCreationTokens UInt64 COMMENT 'tokens written to the cache',
    CacheCreation1hTokens UInt64 COMMENT 'of the tokens written to the cache, those kept for an hour',
    CostList Nullable(Float64) COMMENT 'US dollars, recomputed from tokens and list prices; null where no price is known'
)
SQL SECURITY DEFINER
AS SELECT
    Day,
    SessionId,
    Model,
    Speed,
    LongContext,
    Requests,
    Cost,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheCreationTokens,
    CacheCreation1hTokens,
    CostList
FROM session_models_priced
WHERE {tenant}
COMMENT 'Sessions'' tokens by day and model, as the rollup has them, with the recomputed cost'
