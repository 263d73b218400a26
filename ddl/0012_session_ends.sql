-- When a session was last said to have ended, by the time at which that was received. A session can go on after its
-- end (it is resumed), so this is a hint to archive it soon, and no more.
--
-- What says so: Claude Code has no event of its own for it and reports the hook `SessionEnd` where one is set up
-- (`hook_execution_start`, `hook_execution_complete`); a forwarder of hooks names its event after the hook;
-- OpenTelemetry's conventions have the event `session.end`. Gemini CLI's `conversation_finished` ends a turn,
-- and Codex, Copilot and Cursor send nothing of the kind: their sessions are archived once they are quiet.
CREATE TABLE IF NOT EXISTS session_ends
(
    TenantId LowCardinality(String),
    SessionId String CODEC(ZSTD(1)),
    EndedAt SimpleAggregateFunction(max, DateTime64(3))
)
ENGINE = AggregatingMergeTree
ORDER BY (TenantId, SessionId)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_ends_mv TO session_ends AS
SELECT TenantId, SessionId, max(IngestedAt) AS EndedAt
FROM otel_logs
WHERE SessionId != ''
    AND (AgentEvent IN ('SessionEnd', 'session_end', 'session.end')
        OR EventName = 'session.end'
        OR (AgentEvent IN ('hook_execution_start', 'hook_execution_complete')
            AND LogAttributes['hook_event'] = 'SessionEnd'))
GROUP BY TenantId, SessionId;
