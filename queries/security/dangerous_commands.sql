/*
question = "Which dangerous commands were run, or tried?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "10s"

[params.min_severity]
type = "enum"
values = ["medium", "high", "critical"]
default = "medium"
help = "commands that are less severe are left out"

# Only where the client sends the details of tools. A row is one command of a command line, judged by the worst it does.
[columns]
time = "when the call was decided on or, if that is not known, when it ended; the latest comes first"
session = "the session's id"
user = "who ran it"
project = "what was worked on"
tool = "the tool that was to run it"
severity = "medium, high or critical"
rule = "what is dangerous about it"
program = "the program, without its directory"
command = "the program with its arguments, at most 300 characters"
elevated = "whether it was to run by sudo or doas"
outcome = "ok, failed, refused, or no result: allowed, and neither done nor failed within the range"
line = "the whole command line, at most 500 characters"
call = "the id of the tool's call"
*/
WITH
    -- What makes a command dangerous, the worst first. Each word of the text ends in a tab.
    (text, link, before, program, arguments, files, fetched) -> multiIf(
        match(text, '^rm\t(?:[^\t]*\t)*-(?:[A-Za-z]*[rR][A-Za-z]*|-recursive)\t')
            AND match(text, '\t(?:/|/\\*|~/?\\*?|\\$\\{?HOME\\}?/?\\*?|/(?:bin|boot|dev|etc|home|lib|lib64|opt|root|sbin|srv|sys|usr|var|Users|System|Library)(?:/\\*?)?)\t'),
            ('deletes a whole tree', 'critical'),
        match(text, '^(?:mkfs(?:\\.\\w+)?|mkswap|wipefs|sfdisk|sgdisk)\t')
            OR match(text, '^dd\t(?:[^\t]*\t)*of=/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper|md|loop)')
            OR arrayExists(file -> match(file, '^/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper|md|loop)'), files),
            ('overwrites a disk', 'critical'),
        (fetched AND link IN ('|', '|&') AND program IN ('sh', 'bash', 'dash', 'ksh', 'zsh', 'python', 'python3', 'perl', 'ruby', 'node', 'php'))
            OR match(text, '^(?:(?:ba|da|k|z)?sh|eval|source|\\.)\t(?:[^\t]*\t)*[^\t]*(?:\\$\\(|`)\\s*(?:curl|wget)\\b'),
            ('runs what it downloads', 'high'),
        match(text, '^(?:shutdown|reboot|halt|poweroff)\t')
            OR match(text, '^init\t[06]\t')
            OR match(text, '^systemctl\t(?:[^\t]*\t)*(?:reboot|poweroff|halt|kexec)\t')
            OR match(text, '^kill\t(?:[^\t]*\t)*-1\t$'),
            ('stops the machine', 'high'),
        match(text, '^(?:fdisk|parted|diskutil)\t'),
            ('changes partitions', 'high'),
        arrayExists(file -> match(file, '^/(?:etc|usr|bin|sbin|boot|lib|lib64|System|Library)/|(?:^|/)\\.ssh/authorized_keys$'), files)
            OR match(text, '^tee\t(?:[^\t]*\t)*/(?:etc|usr|bin|sbin|boot|lib|lib64|System|Library)/')
            OR match(text, '^(?:cp|mv|ln|install|rsync)\t(?:[^\t]*\t)*/(?:etc|usr|bin|sbin|boot|lib|lib64|System|Library)/[^\t]*\t$')
            OR match(text, '^sed\t(?:[^\t]*\t)*(?:-[A-Za-z]*i[^\t]*|--in-place[^\t]*)\t(?:[^\t]*\t)*/(?:etc|usr|bin|sbin|boot|lib|lib64|System|Library)/'),
            ('writes to system files', 'high'),
        match(text, '^git\t(?:-[Cc]\t[^\t]*\t|-[^\t]*\t)*push\t(?:[^\t]*\t)*(?:-[A-Za-z]*f[A-Za-z]*|--force[^\t]*|--mirror|--delete|-d|\\+[^\t]*)\t'),
            ('rewrites shared history', 'high'),
        match(text, '^(?:terraform|tofu|pulumi)\t(?:[^\t]*\t)*destroy\t')
            OR match(text, '^kubectl\t(?:[^\t]*\t)*(?:delete|drain)\t')
            OR match(text, '^helm\t(?:[^\t]*\t)*(?:uninstall|delete)\t')
            OR match(text, '^(?:docker|podman)\t(?:system|volume|image|container|network|builder)\t(?:prune|rm)\t')
            OR match(text, '^aws\t(?:[^\t]*\t)*(?:rb|delete-[^\t]*|terminate-instances)\t')
            OR match(text, '^aws\t(?:[^\t]*\t)*s3\t(?:[^\t]*\t)*rm\t')
            OR match(text, '^(?:gcloud|az)\t(?:[^\t]*\t)*delete\t')
            OR match(text, '^(?:dropdb|dropuser)\t')
            OR match(text, '^(?:psql|mysql|mariadb|sqlite3|duckdb|clickhouse|clickhouse-client|mongosh|redis-cli|sqlplus)\t(?:[^\t]*\t)*[^\t]*(?i:\\b(?:drop|truncate)\\s+(?:table|database|schema|view|user)\\b|\\bdelete\\s+from\\s+\\S+\\s*(?:;|\t)|\\bflush(?:all|db)\\b|\\bdropDatabase\\b)'),
            ('destroys data or infrastructure', 'high'),
        match(text, '^chmod\t(?:[^\t]*\t)*(?:[0-7]?[0-7][0-7][2367]|[augo]*[ao][augo]*[+=][rwxXst]*w[rwxXst]*)\t'),
            ('opens files to everyone', 'high'),
        match(text, '^rm\t(?:[^\t]*\t)*-(?:[A-Za-z]*[rR][A-Za-z]*|-recursive)\t')
            AND match(text, '\t(?:~|\\$\\{?HOME\\}?|\\.\\.)(?:/[^\t]*)?\t|\t(?:\\./)?\\*\t|\t\\./?\t'),
            ('deletes outside or all around', 'high'),
        match(text, '^rm\t(?:[^\t]*\t)*-(?:[A-Za-z]*[rR][A-Za-z]*|-recursive)\t'),
            ('deletes recursively', 'medium'),
        match(text, '^find\t(?:[^\t]*\t)*(?:-delete\t|-(?:exec|ok)(?:dir)?\t(?:[^\t]*/)?(?:rm|shred)\t)')
            OR match(text, '^(?:shred|srm)\t')
            OR (program = 'rm' AND match(before, '(?:^|\x1f)xargs\x1f')),
            ('deletes what it finds', 'medium'),
        match(text, '^git\t(?:-[Cc]\t[^\t]*\t|-[^\t]*\t)*(?:reset\t(?:[^\t]*\t)*--hard|clean\t(?:[^\t]*\t)*-[A-Za-z]*f[A-Za-z]*|checkout\t(?:[^\t]*\t)*(?:-f|--force|\\.)|restore\t(?:[^\t]*\t)*\\.|branch\t(?:[^\t]*\t)*-D)\t')
            OR match(text, '^git\t(?:-[Cc]\t[^\t]*\t|-[^\t]*\t)*(?:stash\t(?:drop|clear)|reflog\texpire|filter-branch|filter-repo)\t'),
            ('discards work', 'medium'),
        match(text, '^(?:killall|pkill)\t'),
            ('kills processes by name', 'medium'),
        match(text, '^(?:systemctl|rc-service)\t(?:[^\t]*\t)*(?:stop|disable|mask|kill|restart)\t')
            OR match(text, '^service\t[^\t]*\t(?:stop|restart)\t')
            OR match(text, '^launchctl\t(?:unload|bootout|remove|disable)\t')
            OR match(text, '^(?:iptables|ip6tables|nft|ufw|pfctl|firewall-cmd|setenforce)\t'),
            ('changes services or the firewall', 'medium'),
        match(text, '^(?:useradd|userdel|usermod|groupadd|groupdel|groupmod|adduser|deluser|addgroup|delgroup|gpasswd|passwd|chpasswd|vipw|dscl)\t')
            OR match(text, '^visudo\t'),
            ('changes accounts', 'medium'),
        match(text, '^(?:mount|umount|swapon|swapoff|modprobe|insmod|rmmod|sysctl|hostnamectl|timedatectl|grub-install)\t[^\t]*\t'),
            ('changes the running system', 'medium'),
        match(text, '^(?:chmod|chown|chgrp)\t(?:[^\t]*\t)*-(?:[A-Za-z]*R[A-Za-z]*|-recursive)\t'),
            ('changes the permissions of a tree', 'medium'),
        match(text, '^crontab\t(?:[^\t]*\t)*(?:-r|-e|-|[^-][^\t]*)\t')
            OR match(text, '^at\t'),
            ('changes scheduled jobs', 'medium'),
        arrayExists(file -> match(file, '(?:^|/)\\.(?:bashrc|bash_profile|bash_login|profile|zshrc|zprofile|zshenv|zlogin|kshrc)$'), files),
            ('changes shell start-up files', 'medium'),
        match(text, '^(?:apt|apt-get|aptitude|yum|dnf|zypper|brew|apk|pacman|snap|port)\t(?:[^\t]*\t)*(?:remove|purge|autoremove|uninstall|erase|del|-R[a-z]*)\t'),
            ('removes packages', 'medium'),
        match(text, '^dd\t(?:[^\t]*\t)*(?:if|of)='),
            ('copies raw blocks', 'medium'),
        link IN ('|', '|&') AND program IN ('sh', 'bash', 'dash', 'ksh', 'zsh') AND arrayAll(word -> word IN ('-', '-s'), arguments),
            ('runs what a pipe brings', 'medium'),
        match(before, '(?:^|[\x1f/])(?:sudo|doas)\x1f') OR program IN ('sudo', 'doas', 'su', 'pkexec', 'runuser'),
            ('runs as another user', 'medium'),
        ('', '')) AS danger_of,
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
            ToolCall.line AS line,
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
    toDateTime64(min(Timestamp), 3, 'UTC') AS time,
    SessionId AS session,
    max(UserId) AS user,
    max(Project) AS project,
    any(ToolName) AS tool,
    any(found.2) AS severity,
    any(found.1) AS rule,
    any(command_read.3) AS program,
    any(substringUTF8(arrayStringConcat(arrayPushFront(command_read.4, command_read.3), ' '), 1, 300)) AS command,
    toBool(any(match(command_read.2, '(?:^|[\x1f/])(?:sudo|doas)\x1f'))) AS elevated,
    multiIf(
        countIf(rejected) > 0, 'refused',
        countIf(AgentEvent = 'tool_result') = 0, 'no result',
        countIf(ifNull(Success, false)) > 0, 'ok',
        'failed') AS outcome,
    any(substringUTF8(commands_line, 1, 500)) AS line,
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
        place,
        line AS commands_line,
        commands[place] AS command_read,
        danger_of(
            concat(arrayStringConcat(arrayPushFront(command_read.4, command_read.3), '\t'), '\t'),
            command_read.1,
            command_read.2,
            command_read.3,
            command_read.4,
            command_read.5,
            arrayExists(earlier -> earlier.3 IN ('curl', 'wget'), arraySlice(commands, 1, place - 1))) AS found
    FROM runs
    ARRAY JOIN arrayEnumerate(commands) AS place
)
WHERE indexOf(['medium', 'high', 'critical'], found.2) >= indexOf(['medium', 'high', 'critical'], {min_severity:String})
GROUP BY
    SessionId,
    call,
    place
ORDER BY
    time DESC,
    session,
    call,
    place
LIMIT {limit:UInt32}
