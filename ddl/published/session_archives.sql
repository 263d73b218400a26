-- Which sessions are archived, and up to which event. The newest row of a session counts.
CREATE OR REPLACE VIEW {published:Identifier}.session_archives
(
    SessionId String COMMENT 'the session',
    ArchivedAt DateTime64(3) COMMENT 'when it was archived',
    Logs UInt64 COMMENT 'log records in the object',
    Spans UInt64 COMMENT 'spans in it',
    MetricPoints UInt64 COMMENT 'metric points in it',
    FirstTime DateTime64(9) COMMENT 'time of its first record',
    LastTime DateTime64(9) COMMENT 'time of its last',
    IngestedUpTo DateTime64(3) COMMENT 'the newest IngestedAt in it; what is stored later is not',
    Bytes UInt64 COMMENT 'bytes of it, uncompressed',
    CompressedBytes UInt64 COMMENT 'bytes of the object',
    ExpiredAt DateTime64(3) COMMENT 'when the object was deleted because its time was over; the beginning of 1970 while it is there'
)
SQL SECURITY DEFINER
AS SELECT
    SessionId,
    ArchivedAt,
    Logs,
    Spans,
    MetricPoints,
    FirstTime,
    LastTime,
    IngestedUpTo,
    Bytes,
    CompressedBytes,
    ExpiredAt
FROM session_archives
WHERE {tenant}
COMMENT 'Which sessions are archived, and up to which event'
