/*
question = "What was read, written, made and deleted, by sensitivity?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 1000, max = 10000 }
cache = "30s"

[params.by]
type = "enum"
values = ["none", "user", "team", "project"]
default = "none"
help = "all together, or each user, team or project"

# Only where the client sends the details of tools. Files are judged by their names.
[columns]
name = "the user, team or project; only when by is not none"
access = "read, write, edit, delete, move, copy, search, list, change rights or use; write may make a file or replace one"
kind = "what such files hold; ordinary where their names say nothing"
severity = "low, medium, high or critical; none for ordinary files"
operations = "times that a call touched a file so"
ok = "operations of calls that succeeded"
failed = "operations of calls that failed"
refused = "operations of calls that were refused"
files = "different files"
sessions = "sessions in which it was done"
users = "users for whom it was done"
last_seen = "time of the last one"
example = "the last of the files"
*/
WITH
    -- What a file holds that is worth guarding, by its name, the worst first.
    path -> multiIf(
        match(path, '(?:^|/)id_(?:rsa|dsa|ecdsa|ed25519)$|\\.(?:pem|key|ppk|p12|pfx|jks|keystore)$|(?:^|/)\\.gnupg(?:/|$)|private[_-]?key'),
            ('private key', 'critical'),
        match(path, '(?:^|/)\\.aws/(?:credentials|config)$|(?:^|/)\\.config/gcloud/|(?:^|/)\\.azure/|(?:^|/)\\.kube/config$|service[_-]account[^/]*\\.json$|application_default_credentials\\.json$'),
            ('cloud credentials', 'critical'),
        match(path, '^/etc/(?:shadow|gshadow|master\\.passwd|sudoers(?:\\.d/.*)?)$'),
            ('system accounts', 'critical'),
        match(path, '\\.(?:example|sample|template|dist|tmpl|defaults?)$'),
            ('', ''),
        match(path, '(?:^|/)(?:[\\w-]+)?\\.env(?:\\.[\\w*-]+)*\\*?$|(?:^|/)\\.envrc$'),
            ('environment file', 'high'),
        match(path, '(?:^|/)(?:\\.netrc|_netrc|\\.pgpass|\\.my\\.cnf|\\.npmrc|\\.pypirc|\\.git-credentials|\\.htpasswd|\\.vault-token|\\.docker/config\\.json|\\.cargo/credentials(?:\\.toml)?)$|(?i:(?:^|/)\\.?(?:credentials?|secrets?)(?:\\.(?:json|ya?ml|toml|ini|txt|csv|enc))?$)'),
            ('credentials', 'high'),
        match(path, '(?:^|/)(?:Login Data|Cookies|key4\\.db|logins\\.json)$|\\.keychain(?:-db)?$|\\.kdbx?$'),
            ('passwords of a browser or keychain', 'high'),
        match(path, '(?i)(?:password|passwd|secret|token|api[_-]?key|credential)[^/]*(?:\\.(?:json|ya?ml|toml|ini|cfg|conf|txt|csv|properties|xml|enc)|/[^/]*)?$')
            AND NOT match(path, '\\.(?:py|pyi|js|jsx|mjs|ts|tsx|rs|go|java|kt|rb|php|c|h|cc|cpp|cs|swift|scala|sh|md|mdx|rst|html|css|scss|vue|svelte|sql|lock)$'),
            ('named for a secret', 'medium'),
        match(path, '\\.(?:crt|cer|der|csr|p7b)$'),
            ('certificate', 'medium'),
        match(path, '(?:^|/)\\.(?:bash|zsh|python|psql|mysql|node_repl|sqlite)_history$'),
            ('shell history', 'medium'),
        match(path, '\\.(?:sqlite3?|db|dump|bak)$|\\.sql\\.gz$'),
            ('database', 'medium'),
        match(path, '^/etc/|(?i:(?:^|/)(?:config|settings)(?:\\.\\w+)?$)|\\.(?:conf|cfg|ini|config|properties)$'),
            ('configuration', 'low'),
        ('', '')) AS sensitivity_of,
    -- A call of a file tool is told of by its result alone, since its decision does not name the file; a command also by its
    -- decision.
    touches AS
    (
        SELECT
            Timestamp,
            SessionId,
            UserId,
            TeamId,
            Project,
            ToolName,
            AgentEvent,
            Success,
            ToolCall.verdict = 'reject' AS rejected,
            ToolCall.call AS call,
            Touched AS touched
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent IN ('tool_decision', 'tool_result')
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
            AND notEmpty(Touched)
            AND (AgentEvent = 'tool_result' OR ToolName = 'Bash' OR startsWith(ToolName, 'mcp'))
            AND (AgentEvent = 'tool_result' OR ToolCall.verdict = 'reject' OR ToolCall.call != toString(EventId))
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    )
SELECT
-- @when by = user
    user AS name,
-- @end
-- @when by = team
    team AS name,
-- @end
-- @when by = project
    project AS name,
-- @end
    access,
    if(found.1 = '', 'ordinary', found.1) AS kind,
    if(found.2 = '', 'none', found.2) AS severity,
    count() AS operations,
    countIf(outcome = 'ok') AS ok,
    countIf(outcome = 'failed') AS failed,
    countIf(outcome = 'refused') AS refused,
    uniqExact(path) AS files,
    uniqExactIf(session, session != '') AS sessions,
    uniqExactIf(user, user != '') AS users,
    max(time) AS last_seen,
    argMax(path, (time, path)) AS example
FROM
(
    SELECT
        toDateTime64(min(Timestamp), 3, 'UTC') AS time,
        SessionId AS session,
        max(UserId) AS user,
        max(TeamId) AS team,
        max(Project) AS project,
        touch.1 AS access,
        touch.2 AS path,
        sensitivity_of(path) AS found,
        multiIf(
            countIf(rejected) > 0, 'refused',
            countIf(AgentEvent = 'tool_result') = 0, 'no result',
            countIf(ifNull(Success, false)) > 0, 'ok',
            'failed') AS outcome
    FROM touches
    ARRAY JOIN touched AS touch
    GROUP BY
        SessionId,
        call,
        touch
)
GROUP BY ALL
ORDER BY
    indexOf(['low', 'medium', 'high', 'critical'], severity) DESC,
    operations DESC,
    access,
    kind
-- @when by = user, team, project
    , name
-- @end
LIMIT {limit:UInt32}
