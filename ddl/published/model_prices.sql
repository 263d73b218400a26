-- List prices of models, which all tenants share: US dollars for a million tokens, each from a day on.
CREATE OR REPLACE VIEW {published:Identifier}.model_prices
(
    model LowCardinality(String) COMMENT 'the model',
    valid_from Date COMMENT 'the first day of the price',
    input Decimal(18, 9) COMMENT 'US dollars for a million tokens sent',
    output Decimal(18, 9) COMMENT 'US dollars for a million tokens generated',
    cache_read Decimal(18, 9) COMMENT 'US dollars for a million tokens read from the cache',
    cache_creation Decimal(18, 9) COMMENT 'US dollars for a million tokens written to the cache'
)
SQL SECURITY DEFINER
AS SELECT
    Model AS model,
    ValidFrom AS valid_from,
    Input AS input,
    Output AS output,
    CacheRead AS cache_read,
    CacheCreation AS cache_creation
FROM model_prices FINAL
COMMENT 'List prices of models, which all tenants share'
