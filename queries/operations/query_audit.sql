/*
question = "Who asked what, from where, and what came of it?"
filters = ["session"]
tables = ["query_audit"]
limit = { default = 1000, max = 100000 }
role = "admin"

[params.kinds]
type = "strings"
default = []
help = "only these kinds: query, replay, export, object, sql, live, request, lost; empty means all"

[params.queries]
type = "strings"
default = []
help = "only these named queries; empty means all"

[params.accounts]
type = "strings"
default = []
help = "only these accounts; empty means all"

[params.outcomes]
type = "strings"
default = []
help = "only these outcomes: ok, refused, failed, abandoned; empty means all"

[params.text]
type = "string"
default = ""
help = "only entries whose parameters hold this text, in capitals or not"

[columns]
time = "when it was asked; the latest comes first"
request = "the request's id, as the answer had it"
kind = "what was asked for: query, replay, export, object, sql, live; request where a limit turned somebody away before that was known; lost where entries could not be kept"
query = "the query's name; empty for what is no query"
session = "the session that was read; empty for what reads none"
parameters = "what was bound, as JSON by name, cut where it is long"
format = "how the answer was to be written"
account = "on whose account: a key, a token's subject, a host"
name = "what people call the account"
role = "the account's role; empty where there are none"
address = "where it came from; empty for the process itself"
outcome = "ok, refused, failed or abandoned by its client"
reason = "of a refusal the limit, of a failure the kind of problem"
status = "the answer's HTTP status; 0 where its client went away before"
cache = "hit where a kept answer was given, wait where one that was being made was; empty where a query ran"
rows_read = "rows that ClickHouse read; at least so many where the answer streamed or did not end"
bytes_read = "bytes that ClickHouse read, in the same sense"
result_rows = "rows, or events, of the answer, where they are known"
result_bytes = "bytes of the answer before compression"
duration_ms = "milliseconds from the request to the answer's last byte"
wait_ms = "milliseconds of these spent waiting for a place"
entries = "how often: above 1 where a refusal was repeated within a second, or entries were lost"
*/
SELECT
    Time AS time,
    RequestId AS request,
    Kind AS kind,
    Query AS query,
    SessionId AS session,
    Parameters AS parameters,
    `Format` AS `format`,
    Account AS account,
    AccountName AS name,
    Role AS role,
    Address AS address,
    Outcome AS outcome,
    Reason AS reason,
    Status AS status,
    Cache AS cache,
    RowsRead AS rows_read,
    BytesRead AS bytes_read,
    ResultRows AS result_rows,
    ResultBytes AS result_bytes,
    DurationMs AS duration_ms,
    WaitMs AS wait_ms,
    Entries AS entries
FROM query_audit
WHERE TenantId = {tenant:String}
    AND Time >= {from:DateTime64(9, 'UTC')}
    AND Time < {to:DateTime64(9, 'UTC')}
    AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
    AND (empty({kinds:Array(String)}) OR Kind IN {kinds:Array(String)})
    AND (empty({queries:Array(String)}) OR Query IN {queries:Array(String)})
    AND (empty({accounts:Array(String)}) OR Account IN {accounts:Array(String)})
    AND (empty({outcomes:Array(String)}) OR Outcome IN {outcomes:Array(String)})
    AND ({text:String} = '' OR positionCaseInsensitiveUTF8(Parameters, {text:String}) > 0)
ORDER BY time DESC, request DESC
LIMIT {limit:UInt32}
