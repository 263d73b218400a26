-- How many records came and what became of them, by the receivers' own count. What is counted is not told apart by user or team.
CREATE OR REPLACE VIEW {published:Identifier}.ingest_accounting
(
    Minute DateTime('UTC') COMMENT 'the minute in which the records came',
    Signal LowCardinality(String) COMMENT 'logs, traces or metrics',
    Outcome LowCardinality(String) COMMENT 'received, or an end: stored, duplicate, refused, quarantined, rejected_ and the reason; of what was quarantined, later: released, dropped',
    Process UUID COMMENT 'one life of one receiving process',
    Records UInt64 COMMENT 'records; to be summed'
)
SQL SECURITY DEFINER
AS SELECT
    Minute,
    Signal,
    Outcome,
    Process,
    Records
FROM ingest_accounting
WHERE {tenant}
COMMENT 'How many records came and what became of them, by the receivers'' own count'
