/*
question = "What was done on the network, and with whom?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[params.reach]
type = "enum"
values = ["all", "beyond"]
default = "all"
help = "all: everything; beyond: leave out what speaks to this machine or to private addresses"

# Only where the client sends the details of tools.
[columns]
time = "when the call was decided on or, if that is not known, when it ended; the latest comes first"
session = "the session's id"
user = "who ran it"
project = "what was worked on"
tool = "the tool: a shell, WebFetch or WebSearch"
kind = "request, transfer, raw connection, remote shell, mail, version control, packages, cloud, scan, look-up, listens, database or search"
severity = "low, medium or high; high where data is sent beyond private addresses"
program = "the program, without its directory; empty for WebFetch and WebSearch"
host = "the host spoken to, where it is named"
reach = "local, private or public, by the host; unknown without one"
sends = "whether it sends data of its own, such as an upload or a push"
command = "the program with its arguments, the address or the search, at most 300 characters"
outcome = "ok, failed, refused, or no result: allowed, and neither done nor failed within the range"
call = "the id of the tool's call"
*/
WITH
    -- What a command does on the network. Each word of the text ends in a tab.
    (text) -> multiIf(
        match(text, '^(?:nc|ncat|netcat|socat|telnet)\t')
            OR match(text, '^openssl\ts_client\t'),
            ('raw connection', 'medium'),
        match(text, '^(?:ssh|mosh|autossh|sshpass|ssh-copy-id)\t'),
            ('remote shell', 'medium'),
        match(text, '^(?:scp|sftp|ftp|lftp|rclone|croc|ngrok|cloudflared)\t')
            OR match(text, '^rsync\t(?:[^\t]*\t)*[^\t]*[\\w-]:[^\t]*\t'),
            ('transfer', 'medium'),
        match(text, '^(?:curl|wget|http|https|xh|aria2c|lynx|w3m)\t'),
            ('request', 'low'),
        match(text, '^(?:mail|mailx|sendmail|mutt|swaks)\t'),
            ('mail', 'medium'),
        match(text, '^git\t(?:-[Cc]\t[^\t]*\t|-[^\t]*\t)*(?:clone|fetch|pull|push|ls-remote|submodule\t(?:[^\t]*\t)*update|remote\t(?:[^\t]*\t)*(?:update|show))\t')
            OR match(text, '^(?:gh|glab|hub)\t'),
            ('version control', 'low'),
        match(text, '^(?:npm|pnpm|yarn|bun|npx|bunx|deno)\t(?:[^\t]*\t)*(?:install|i|ci|add|update|upgrade|publish|view|audit|create|dlx|exec|login)\t')
            OR match(text, '^(?:npx|bunx|uvx|pipx)\t')
            OR match(text, '^(?:python3?|uv)\t(?:-m\t)?pip\t(?:[^\t]*\t)*(?:install|download)\t')
            OR match(text, '^(?:pip|pip3|uv|poetry|pdm|conda|mamba)\t(?:[^\t]*\t)*(?:install|download|add|sync|lock|update|publish|create)\t')
            OR match(text, '^(?:cargo|go|gem|bundle|composer|mix|dotnet|mvn|gradle|rustup)\t(?:[^\t]*\t)*(?:install|add|get|fetch|update|publish|push|download|restore|search|login)\t')
            OR match(text, '^(?:apt|apt-get|yum|dnf|apk|brew|zypper|pacman|snap)\t(?:[^\t]*\t)*(?:install|update|upgrade|add|fetch|-S[a-z]*)\t')
            OR match(text, '^twine\tupload\t'),
            ('packages', 'low'),
        match(text, '^(?:docker|podman|nerdctl)\t(?:[^\t]*\t)*(?:pull|push|login|search)\t')
            OR match(text, '^(?:aws|gcloud|gsutil|az|s3cmd|mc|doctl|flyctl|fly|heroku|vercel|netlify|wrangler|kubectl|helm|terraform|pulumi)\t'),
            ('cloud', 'low'),
        match(text, '^(?:nmap|masscan|tcpdump|tshark|arp-scan)\t'),
            ('scan', 'high'),
        match(text, '^(?:ping|ping6|dig|nslookup|host|whois|traceroute|tracepath|mtr)\t'),
            ('look-up', 'low'),
        match(text, '^python3?\t-m\t(?:http\\.server|SimpleHTTPServer)\t')
            OR match(text, '^(?:serve|http-server)\t'),
            ('listens', 'medium'),
        match(text, '^(?:psql|mysql|mariadb|mongosh|redis-cli|clickhouse-client)\t(?:[^\t]*\t)*(?:-h[^\t]*|--host[^\t]*|[a-z]+://[^\t]*)\t'),
            ('database', 'low'),
        ('', '')) AS network_of,
    -- Whether it sends data of its own.
    text -> match(text, '^curl\t(?:[^\t]*\t)*(?:-[A-Za-z]*[dFT][^\t]*|--data[^\t]*|--form[^\t]*|--upload-file[^\t]*|--json[^\t]*|-X\t?(?:POST|PUT|PATCH)|--request\t(?:POST|PUT|PATCH)|--request=(?:POST|PUT|PATCH))\t')
        OR match(text, '^wget\t(?:[^\t]*\t)*--(?:post|body)-[^\t]*\t')
        OR match(text, '^(?:http|https|xh)\t(?:POST|PUT|PATCH)\t')
        OR match(text, '^(?:scp|rsync)\t(?:[^\t]*\t)*[^\t]*[\\w.-]:[^\t]*\t$')
        OR match(text, '^(?:mail|mailx|sendmail|mutt|swaks)\t')
        OR match(text, '^git\t(?:-[Cc]\t[^\t]*\t|-[^\t]*\t)*push\t')
        OR match(text, '^(?:npm|pnpm|yarn|cargo|poetry|uv|gem)\t(?:[^\t]*\t)*(?:publish|push)\t')
        OR match(text, '^twine\tupload\t')
        OR match(text, '^(?:docker|podman|nerdctl)\tpush\t')
        OR match(text, '^aws\t(?:[^\t]*\t)*s3\t(?:[^\t]*\t)*(?:cp|sync|mv)\t(?:[^\t]*\t)*s3://[^\t]*\t$')
        OR match(text, '^gsutil\t(?:[^\t]*\t)*gs://[^\t]*\t$')
        OR match(text, '^(?:ngrok|cloudflared|ssh-copy-id)\t') AS sends_data,
    -- The host it speaks to, where it names one.
    text -> lower(arrayFirst(
        host -> host != '',
        [
            extract(text, '(?i)[a-z][a-z0-9+.-]*://(?:[^/@\\s]*@)?(\\[[0-9a-f:.]+\\]|[^/:?#\\s]+)'),
            extract(text, '^(?:ssh|scp|rsync|sftp|mosh|git|ssh-copy-id|sshpass)\t(?:[^\t]*\t)*[\\w.-]+@([\\w.-]+)'),
            extract(text, '^(?:scp|rsync)\t(?:[^\t]*\t)*([\\w.-]+):'),
            extract(text, '^(?:curl|wget|http|https|xh)\t(?:[^\t]*\t)*((?:[\\w-]+\\.)+[A-Za-z]{2,}|localhost|[0-9]+(?:\\.[0-9]+){3})(?::[0-9]+)?(?:/[^\t]*)?\t'),
            extract(text, '^(?:ssh|mosh|nc|ncat|netcat|telnet|ftp|sftp|ping|ping6|dig|nslookup|host|whois|traceroute|nmap)\t(?:-[^\t]*\t)*([\\w-]+(?:\\.[\\w-]+)*)\t')
        ])) AS host_of,
    host -> multiIf(
        host = '', 'unknown',
        match(host, '^(?:localhost|127\\.|0\\.0\\.0\\.0$|\\[?::1\\]?$|host\\.docker\\.internal$)'), 'local',
        match(host, '^(?:10\\.|192\\.168\\.|172\\.(?:1[6-9]|2[0-9]|3[01])\\.|169\\.254\\.)|^[^.]+$|\\.(?:local|internal|lan|corp|home)$'), 'private',
        'public') AS reach_of,
    -- A call is told of by its decision and by its result. Only a refusal has no result; one that was allowed and has none was
    -- cut off, or has it outside the range.
    runs AS
    (
        SELECT
            Timestamp,
            SessionId,
            UserId,
            Project,
            ToolName,
            AgentEvent,
            Success,
            ToolCall.verdict = 'reject' AS rejected,
            ToolCall.call AS call,
            Commands AS commands
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent IN ('tool_decision', 'tool_result')
            AND notEmpty(Commands)
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
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
    time,
    session,
    user,
    project,
    tool,
    found.1 AS kind,
    if(sending AND reach IN ('public', 'unknown'), 'high', found.2) AS severity,
    program,
    host,
    reach_of(host) AS reach,
    toBool(sending) AS sends,
    substringUTF8(words, 1, 300) AS command,
    outcome,
    call
FROM
(
    SELECT
        toDateTime64(min(Timestamp), 3, 'UTC') AS time,
        SessionId AS session,
        max(UserId) AS user,
        max(Project) AS project,
        toString(any(ToolName)) AS tool,
        any(found) AS found,
        any(command_read.3) AS program,
        any(host_of(text)) AS host,
        any(sends_data(text)) AS sending,
        any(arrayStringConcat(arrayPushFront(command_read.4, command_read.3), ' ')) AS words,
        multiIf(
            countIf(rejected) > 0, 'refused',
            countIf(AgentEvent = 'tool_result') = 0, 'no result',
            countIf(ifNull(Success, false)) > 0, 'ok',
            'failed') AS outcome,
        call,
        place
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
            place,
            command_read,
            concat(arrayStringConcat(arrayPushFront(command_read.4, command_read.3), '\t'), '\t') AS text,
            network_of(text) AS found
        FROM runs
        ARRAY JOIN
            commands AS command_read,
            arrayEnumerate(commands) AS place
        WHERE found.1 != ''
    )
    GROUP BY
        SessionId,
        call,
        place
    UNION ALL
    SELECT
        toDateTime64(min(Timestamp), 3, 'UTC') AS time,
        SessionId AS session,
        max(UserId) AS user,
        max(Project) AS project,
        toString(any(ToolName)) AS tool,
        (if(any(ToolName) = 'WebFetch', 'request', 'search'), 'low') AS found,
        '' AS program,
        host_of(words) AS host,
        false AS sending,
        max(arrayFirst(
            x -> x != '',
            [JSONExtractString(LogAttributes['tool_input'], 'url'), JSONExtractString(LogAttributes['tool_input'], 'query')])) AS words,
        multiIf(
            countIf(rejected) > 0, 'refused',
            countIf(AgentEvent = 'tool_result') = 0, 'no result',
            countIf(ifNull(Success, false)) > 0, 'ok',
            'failed') AS outcome,
        call,
        1 AS place
    FROM
    (
        SELECT
            *,
            ToolCall.verdict = 'reject' AS rejected,
            ToolCall.call AS call
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent IN ('tool_decision', 'tool_result')
            AND ToolName IN ('WebFetch', 'WebSearch')
            AND Timestamp >= {from:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
            AND Timestamp < {to:DateTime64(9, 'UTC')}
            AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
            AND (AgentEvent = 'tool_result' OR ToolCall.verdict = 'reject' OR ToolCall.call != toString(EventId))
            AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
            AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
            AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
            AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
            AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
            AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
            AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
    )
    GROUP BY
        SessionId,
        call
)
WHERE {reach:String} = 'all'
    OR reach NOT IN ('local', 'private')
ORDER BY
    time DESC,
    session,
    call,
    place
LIMIT {limit:UInt32}
