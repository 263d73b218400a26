/*
question = "Which sensitive files were read, written or otherwise touched?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[params.min_severity]
type = "enum"
values = ["low", "medium", "high", "critical"]
default = "medium"
help = "files that are less sensitive are left out; low adds configuration"

# Only where the client sends the details of tools. Files are judged by their names.
[columns]
time = "when the call was decided on or, if that is not known, when it ended; the latest comes first"
session = "the session's id"
user = "who ran it"
project = "what was worked on"
severity = "low, medium, high or critical"
kind = "what such a file holds: private key, cloud credentials, system accounts, environment file, credentials, …"
access = "read, write, edit, delete, move, copy, search, list, change rights or use"
path = "the file"
tool = "the tool"
program = "the program that touches it, or the tool where there is none"
outcome = "ok, failed, refused, or no result: allowed, and neither done nor failed within the range"
call = "the id of the tool's call"
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
    toDateTime64(min(Timestamp), 3, 'UTC') AS time,
    SessionId AS session,
    max(UserId) AS user,
    max(Project) AS project,
    any(found.2) AS severity,
    any(found.1) AS kind,
    touch.1 AS access,
    touch.2 AS path,
    any(ToolName) AS tool,
    touch.3 AS program,
    multiIf(
        countIf(rejected) > 0, 'refused',
        countIf(AgentEvent = 'tool_result') = 0, 'no result',
        countIf(ifNull(Success, false)) > 0, 'ok',
        'failed') AS outcome,
    call
FROM
(
    SELECT
        Timestamp,
        SessionId,
        UserId,
        Project,
        ToolName,
        AgentEvent,
        Success,
        rejected,
        call,
        touch,
        sensitivity_of(touch.2) AS found
    FROM touches
    ARRAY JOIN touched AS touch
    WHERE indexOf(['low', 'medium', 'high', 'critical'], found.2) >= indexOf(['low', 'medium', 'high', 'critical'], {min_severity:String})
)
GROUP BY
    SessionId,
    call,
    touch
ORDER BY
    time DESC,
    session,
    call,
    path,
    access,
    program
LIMIT {limit:UInt32}
