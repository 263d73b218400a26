-- The two cost rollups with the recomputed cost beside the reported one. `CostList` is NULL where no price
-- is known for the model on that day. It is reckoned in Float64: a decimal of 64 bits overflows when a day's
-- tokens meet a price's decimals, and one of 128 bits takes twice the time.
CREATE VIEW IF NOT EXISTS cost_hourly_priced AS
SELECT
    c.*,
    if(p.Model = '', NULL,
        ((c.InputTokens * p.Input + c.CacheReadTokens * p.CacheRead + c.CacheCreationTokens * p.CacheCreation
            + c.CacheCreation1hTokens * (p.CacheCreation1h - p.CacheCreation))
            * if(c.LongContext, p.LongInputFactor, 1)
        + c.OutputTokens * p.Output * if(c.LongContext, p.LongOutputFactor, 1))
        * if(c.Speed = 'fast', p.FastFactor, 1) / 1e6) AS CostList
FROM cost_hourly AS c
ASOF LEFT JOIN
(
    SELECT
        Model,
        ValidFrom,
        toFloat64(Input) AS Input,
        toFloat64(Output) AS Output,
        toFloat64(CacheRead) AS CacheRead,
        toFloat64(CacheCreation) AS CacheCreation,
        toFloat64(CacheCreation1h) AS CacheCreation1h,
        toFloat64(LongInputFactor) AS LongInputFactor,
        toFloat64(LongOutputFactor) AS LongOutputFactor,
        toFloat64(FastFactor) AS FastFactor
    FROM model_prices FINAL
) AS p ON p.Model = c.Model AND toDate(c.Hour, 'UTC') >= p.ValidFrom;

CREATE VIEW IF NOT EXISTS session_models_priced AS
SELECT
    c.*,
    if(p.Model = '', NULL,
        ((c.InputTokens * p.Input + c.CacheReadTokens * p.CacheRead + c.CacheCreationTokens * p.CacheCreation
            + c.CacheCreation1hTokens * (p.CacheCreation1h - p.CacheCreation))
            * if(c.LongContext, p.LongInputFactor, 1)
        + c.OutputTokens * p.Output * if(c.LongContext, p.LongOutputFactor, 1))
        * if(c.Speed = 'fast', p.FastFactor, 1) / 1e6) AS CostList
FROM session_models AS c
ASOF LEFT JOIN
(
    SELECT
        Model,
        ValidFrom,
        toFloat64(Input) AS Input,
        toFloat64(Output) AS Output,
        toFloat64(CacheRead) AS CacheRead,
        toFloat64(CacheCreation) AS CacheCreation,
        toFloat64(CacheCreation1h) AS CacheCreation1h,
        toFloat64(LongInputFactor) AS LongInputFactor,
        toFloat64(LongOutputFactor) AS LongOutputFactor,
        toFloat64(FastFactor) AS FastFactor
    FROM model_prices FINAL
) AS p ON p.Model = c.Model AND c.Day >= p.ValidFrom;
