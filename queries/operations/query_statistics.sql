/*
question = "Which named queries are asked how often, by how many, how long do they take, and what do they read?"
filters = []
tables = ["query_audit"]
limit = { default = 200, max = 10000 }
cache = "10s"
role = "admin"

[params.by]
type = "enum"
values = ["query", "account"]
default = "query"
help = "one row per query, or per query and account"

[columns]
query = "the query's name"
account = "on whose account: a key's id, a token's subject, a host; only when by is account"
account_name = "what the account is called, empty where it has no name; only when by is account"
times = "how often it was asked, refusals included"
accounts = "accounts that asked it"
answered = "of times, those with an answer to its end"
refused = "of times, those that a limit turned away"
failed = "of times, those that failed"
abandoned = "of times, those whose client went away"
error_rate = "share of failed among times"
cached = "of times, those answered from what was there already"
p50_ms = "median milliseconds from the request to the answer's last byte, of those answered; null where there are none"
p95_ms = "the same, of which one in twenty takes longer"
max_ms = "the longest; null where there are none"
wait_ms = "mean milliseconds of that spent waiting for a place"
rows_read = "rows that ClickHouse read"
bytes_read = "bytes that ClickHouse read"
result_rows = "rows that were answered, where they are known"
last_asked = "when it was asked last"
*/
SELECT
    Query AS query,
-- @when by = account
    Account AS account,
    max(AccountName) AS account_name,
-- @end
    sum(Entries) AS times,
    uniqExact(Account) AS accounts,
    sumIf(Entries, Outcome = 'ok') AS answered,
    sumIf(Entries, Outcome = 'refused') AS refused,
    sumIf(Entries, Outcome = 'failed') AS failed,
    sumIf(Entries, Outcome = 'abandoned') AS abandoned,
    round(failed / nullIf(times, 0), 4) AS error_rate,
    sumIf(Entries, Cache IN ('hit', 'stale', 'shared')) AS cached,
    if(answered = 0, NULL, toFloat64(quantileExactIf(0.5)(DurationMs, Outcome = 'ok'))) AS p50_ms,
    if(answered = 0, NULL, toFloat64(quantileExactIf(0.95)(DurationMs, Outcome = 'ok'))) AS p95_ms,
    if(answered = 0, NULL, toFloat64(maxIf(DurationMs, Outcome = 'ok'))) AS max_ms,
    if(answered = 0, NULL, round(avgIf(WaitMs, Outcome = 'ok'), 3)) AS wait_ms,
    sum(RowsRead) AS rows_read,
    sum(BytesRead) AS bytes_read,
    sum(ResultRows) AS result_rows,
    max(Time) AS last_asked
FROM query_audit
WHERE TenantId = {tenant:String}
    AND Time >= {from:DateTime64(9, 'UTC')}
    AND Time < {to:DateTime64(9, 'UTC')}
    AND Kind = 'query'
GROUP BY
    query
-- @when by = account
    , account
-- @end
ORDER BY
    times DESC,
    query
-- @when by = account
    , account
-- @end
LIMIT {limit:UInt32}
