/*
question = "Where were rights gained or granted?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[params.min_severity]
type = "enum"
values = ["low", "medium", "high", "critical"]
default = "low"
help = "what is less severe is left out"

# Commands are known only where the client sends the details of tools.
[columns]
time = "when it happened; the latest comes first"
session = "the session's id"
user = "who ran it"
project = "what was worked on"
tool = "the tool that was to run it; empty for a change of the permission mode"
severity = "low, medium, high or critical"
rule = "what it does"
program = "the program, without its directory; empty for a change of the permission mode"
command = "the program with its arguments, at most 300 characters, or the change of the permission mode"
outcome = "ok, failed, refused, or no result: allowed, and neither done nor failed within the range"
call = "the id of the tool's call; empty for a change of the permission mode"
*/
WITH
    -- How a command gains or grants rights, the worst first. Each word of the text ends in a tab.
    (text, before, program, arguments, files) -> multiIf(
        arrayExists(file -> match(file, '^/etc/sudoers(?:\\.d/|$)'), files)
            OR match(text, '^visudo\t')
            OR match(text, '^(?:tee|cp|mv|sed)\t(?:[^\t]*\t)*/etc/sudoers'),
            ('changes who may use sudo', 'critical'),
        match(text, '^chmod\t(?:[^\t]*\t)*(?:0?[4-7][0-7]{3}|[augo]*[+=][rwxXt]*s[rwxXst]*)\t'),
            ('sets the set-user-id bit', 'high'),
        match(text, '^setcap\t'),
            ('grants capabilities', 'high'),
        match(text, '^(?:docker|podman|nerdctl)\t(?:[^\t]*\t)*(?:--privileged[^\t]*|--cap-add[^\t]*|--pid=host|(?:-v|--volume)\t/:[^\t]*|--volume=/:[^\t]*)\t')
            OR match(text, '^(?:nsenter|chroot|unshare)\t'),
            ('leaves the container or root folder', 'high'),
        match(text, '^(?:usermod|gpasswd|adduser|dseditgroup)\t(?:[^\t]*\t)*(?:sudo|wheel|admin|docker|root)(?:,[^\t]*)?\t'),
            ('joins a privileged group', 'high'),
        match(text, '^chmod\t(?:[^\t]*\t)*(?:[0-7]?[0-7][0-7][2367]|[augo]*[ao][augo]*[+=][rwxXst]*w[rwxXst]*)\t'),
            ('opens files to everyone', 'high'),
        (match(before, '(?:^|[\x1f/])(?:sudo|doas)\x1f') AND program IN ('su', 'sh', 'bash', 'zsh', 'fish') AND empty(arguments))
            OR match(text, '^(?:sudo|su)\t(?:[^\t]*\t)*(?:-[a-z]*[is]|--login|--shell)\t$')
            OR match(text, '^su\t(?:-\t)?$'),
            ('opens a shell as another user', 'high'),
        match(before, '(?:^|[\x1f/])(?:sudo|doas)\x1f') OR program IN ('sudo', 'doas', 'su', 'pkexec', 'runuser', 'newgrp'),
            ('runs as another user', 'medium'),
        match(text, '^(?:useradd|userdel|usermod|groupadd|groupdel|groupmod|adduser|deluser|addgroup|delgroup|gpasswd|passwd|chpasswd|vipw|dscl)\t'),
            ('changes accounts', 'medium'),
        match(text, '^(?:chown|chgrp|setfacl)\t'),
            ('changes owners', 'medium'),
        match(text, '^chmod\t'),
            ('changes permissions', 'low'),
        ('', '')) AS privilege_of,
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
            ToolCall.unsandboxed AS unboxed,
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
    severity,
    rule,
    program,
    command,
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
        any(found.2) AS severity,
        any(found.1) AS rule,
        any(command_read.3) AS program,
        any(substringUTF8(
            arrayStringConcat(
                arrayFilter(word -> word != '', arrayConcat(splitByChar('\x1f', command_read.2), [command_read.3], command_read.4)),
                ' '),
            1, 300)) AS command,
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
            command_read,
            place,
            arrayJoin(arrayConcat(
                [privilege_of(
                    concat(arrayStringConcat(arrayPushFront(command_read.4, command_read.3), '\t'), '\t'),
                    command_read.2,
                    command_read.3,
                    command_read.4,
                    command_read.5)],
                if(unboxed AND place = 1, [('leaves the sandbox', 'high')], []))) AS found
        FROM runs
        ARRAY JOIN
            commands AS command_read,
            arrayEnumerate(commands) AS place
    )
    WHERE found.1 != ''
    GROUP BY
        SessionId,
        call,
        place,
        found
    UNION ALL
    SELECT
        toDateTime64(Timestamp, 3, 'UTC') AS time,
        SessionId AS session,
        UserId AS user,
        Project AS project,
        '' AS tool,
        if(LogAttributes['to_mode'] IN ('bypassPermissions', 'dontAsk'), 'high', 'medium') AS severity,
        'widens the permission mode' AS rule,
        '' AS program,
        concat('permission mode ', LogAttributes['from_mode'], ' to ', LogAttributes['to_mode']) AS command,
        'ok' AS outcome,
        '' AS call
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent = 'permission_mode_changed'
        AND LogAttributes['to_mode'] NOT IN ('default', 'plan', '')
        AND Timestamp >= {from:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) > {from:DateTime64(9, 'UTC')} - toIntervalHour(1)
        AND Timestamp < {to:DateTime64(9, 'UTC')}
        AND toStartOfHour(Timestamp) < {to:DateTime64(9, 'UTC')}
        AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})
        AND (empty({team:Array(String)}) OR TeamId IN {team:Array(String)})
        AND (empty({project:Array(String)}) OR Project IN {project:Array(String)})
        AND (empty({tool:Array(String)}) OR ToolName IN {tool:Array(String)})
        AND (empty({session:Array(String)}) OR SessionId IN {session:Array(String)})
        AND (empty({terminal:Array(String)}) OR LogAttributes['terminal.type'] IN {terminal:Array(String)})
        AND (empty({version:Array(String)}) OR ResourceAttributes['service.version'] IN {version:Array(String)})
)
WHERE indexOf(['low', 'medium', 'high', 'critical'], severity) >= indexOf(['low', 'medium', 'high', 'critical'], {min_severity:String})
ORDER BY
    time DESC,
    session,
    call,
    command,
    rule
LIMIT {limit:UInt32}
