-- List prices per million tokens, in US dollars, from the day they hold. The recomputed cost joins this table
-- when it is asked for, so a corrected price corrects the past as well.
--
-- `Model` is the name that the telemetry tables' column `Model` has.
-- The factors apply to requests with more than 200,000 input tokens, and to those in fast mode. No price here has one
-- for long requests, see README.md; a price list of an operator's may.
CREATE TABLE IF NOT EXISTS model_prices
(
    Model String,
    ValidFrom Date,
    Input Decimal(18, 9),
    Output Decimal(18, 9),
    CacheRead Decimal(18, 9),
    -- Of what is kept for five minutes, and of what the client does not say how long.
    CacheCreation Decimal(18, 9),
    CacheCreation1h Decimal(18, 9) DEFAULT Input * 2,
    LongInputFactor Decimal(9, 4) DEFAULT 1,
    LongOutputFactor Decimal(9, 4) DEFAULT 1,
    FastFactor Decimal(9, 4) DEFAULT 1,
    Source String,
    UpdatedAt DateTime64(3) DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(UpdatedAt)
ORDER BY (Model, ValidFrom)
SETTINGS non_replicated_deduplication_window = 100;

-- The vendor's public price list, and what the client charges for models that are newer than it. These hold from a day
-- before any of them was there: the client reports none of them earlier. Rows of an operator win by a later UpdatedAt.
INSERT INTO model_prices
    (Model, ValidFrom, Input, Output, CacheRead, CacheCreation, LongInputFactor, LongOutputFactor, FastFactor, Source, UpdatedAt)
SETTINGS insert_deduplication_token = '0004_model_prices/1'
VALUES
    ('claude-3-haiku',    '2024-03-01', 0.25, 1.25, 0.03, 0.30,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-3-5-haiku',  '2024-10-01', 0.80, 4.00, 0.08, 1.00,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-3-5-sonnet', '2024-06-01', 3.00, 15.0, 0.30, 3.75,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-3-7-sonnet', '2025-02-01', 3.00, 15.0, 0.30, 3.75,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-sonnet-4',   '2025-05-01', 3.00, 15.0, 0.30, 3.75,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-sonnet-4-5', '2025-09-01', 3.00, 15.0, 0.30, 3.75,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-sonnet-4-6', '2026-02-01', 3.00, 15.0, 0.30, 3.75,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-haiku-4-5',  '2025-10-01', 1.00, 5.00, 0.10, 1.25,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-opus-4',     '2025-05-01', 15.0, 75.0, 1.50, 18.75, 1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-opus-4-1',   '2025-08-01', 15.0, 75.0, 1.50, 18.75, 1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-opus-4-5',   '2025-11-01', 5.00, 25.0, 0.50, 6.25,  1, 1, 1, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-opus-4-6',   '2026-02-01', 5.00, 25.0, 0.50, 6.25,  1, 1, 6, 'anthropic price list', '2026-11-01 00:00:00'),
    ('claude-opus-4-7',   '2026-01-01', 5.00, 25.0, 0.50, 6.25, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-opus-4-8',   '2026-01-01', 5.00, 25.0, 0.50, 6.25, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-opus-5',     '2026-01-01', 5.00, 25.0, 0.50, 6.25, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-opus-5-5',   '2026-01-01', 4.00, 20.0, 0.20, 5.00, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-sonnet-5',   '2026-01-01', 2.00, 10.0, 0.20, 2.50, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-sonnet-5-5', '2026-01-01', 2.00, 10.0, 0.10, 2.50, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-haiku-5-5',  '2026-01-01', 0.10, 0.50, 0.01, 0.125, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-fable-5',    '2026-01-01', 10.0, 50.0, 1.00, 12.5, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-mythos-5',   '2026-01-01', 10.0, 50.0, 1.00, 12.5, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-fable-5-1',  '2026-01-01', 10.0, 50.0, 0.25, 12.5, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-mythos-5-1', '2026-01-01', 10.0, 50.0, 0.25, 12.5, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-fable-5-2',  '2026-01-01', 8.00, 40.0, 0.20, 10.0, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00'),
    ('claude-mythos-5-2', '2026-01-01', 8.00, 40.0, 0.20, 10.0, 1, 1, 1, 'the rates Claude Code 2.1.329 applies', '2026-11-20 00:00:00');
