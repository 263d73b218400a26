/*
question = "Which prompts were given, when, and how long were they?"
filters = ["user", "team", "project", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "10s"

[columns]
time = "when the prompt was given"
session = "the session's id"
user = "who gave it"
prompt = "the prompt's id"
length = "characters"
text = "the prompt's text; null where the client keeps it back"
command = "the slash command it was, without the slash; empty otherwise"
ordinal = "the prompt's place among the session's prompts in the range, from 1"
pause_s = "seconds since the session's prompt before; null for the first"
*/
SELECT
    toDateTime64(Timestamp, 3, 'UTC') AS time,
    SessionId AS session,
    UserId AS user,
    PromptId AS prompt,
    toUInt64OrZero(LogAttributes['prompt_length']) AS length,
    if(LogAttributes['prompt'] IN ('', '<REDACTED>'), NULL, LogAttributes['prompt']) AS text,
    LogAttributes['command_name'] AS command,
    row_number() OVER in_session AS ordinal,
    if(ordinal = 1, NULL, dateDiff('millisecond', lagInFrame(Timestamp) OVER in_session, Timestamp) / 1000) AS pause_s
FROM otel_logs
WHERE TenantId = {tenant:String}
    AND AgentEvent = 'user_prompt'
    -- A background agent's report comes as a prompt, which nobody gave.
    AND NOT startsWith(LogAttributes['prompt'], '<task-notification>')
    AND Timestamp >= {from:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
    AND Timestamp < {to:DateTime64(9, 'UTC')}
    AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
    AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
    AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
    AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
    AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
WINDOW in_session AS
(
    PARTITION BY SessionId
    ORDER BY Timestamp, Sequence, EventId
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
)
ORDER BY
    Timestamp,
    SessionId,
    ordinal
LIMIT {limit:UInt32}
