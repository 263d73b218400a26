/*
question = "What was done or tried that a policy would object to, and how bad is it?"
filters = ["user", "team", "project", "tool", "session", "terminal", "version"]
tables = ["otel_logs"]
limit = { default = 100, max = 10000 }
cache = "30s"

[params.min_severity]
type = "enum"
values = ["low", "medium", "high", "critical"]
default = "medium"
help = "what is less severe is left out; low adds refusals, configuration files and every connection"

[params.categories]
type = "strings"
default = []
help = "only these categories; empty means all"

[params.roots]
type = "strings"
default = []
help = "the project's folders; empty means that they are told from the session itself"

[params.allow]
type = "strings"
default = ["/tmp", "/private/tmp", "/var/tmp", "/var/folders", "/dev", "/proc"]
help = "folders outside the project that are no offence"

# Commands and files are known only where the client sends the details of tools. The queries named like the categories say more.
[columns]
time = "when the call was decided on or, if that is not known, when it ended; the latest comes first"
session = "the session's id"
user = "who ran it"
team = "the user's team"
project = "what was worked on"
category = "dangerous_command, privilege_escalation, network_activity, sensitive_file, out_of_scope or permission_denied"
rule = "what is objected to"
severity = "low, medium, high or critical"
score = "1, 3, 7 or 10 for the severity"
subject = "the command or file, at most 300 characters"
tool = "the tool"
outcome = "ok, failed, refused, or no result: allowed, and neither done nor failed within the range"
call = "the id of the tool's call"
session_violations = "violations of the session, those beyond the limit included"
session_score = "their scores together"
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
    -- Whether a path lies in none of the folders. A relative one lies in the working folder, unless it climbs out.
    (path, within) -> multiIf(
        startsWith(path, '~'), true,
        match(path, '(?:^|/)\\.\\.(?:/|$)'), true,
        startsWith(path, '/'), NOT arrayExists(folder -> path = folder OR startsWith(path, concat(replaceRegexpOne(folder, '/$', ''), '/')), within),
        false) AS outside,
    -- A session's project folder: what the caller names, what the client says, the working folder that an error tells of, or
    -- else the deepest folder that holds three in four of the files its file tools name, system and hidden folders aside.
    folders AS
    (
        SELECT
            SessionId,
            replaceRegexpOne(
                if(ToolName IN ('Grep', 'Glob', 'LS'), ToolCall.file, replaceRegexpOne(ToolCall.file, '/[^/]*$', '')),
                '/$', '') AS folder,
            count() AS calls,
            groupUniqArrayArray(arrayMap(at -> at.2, arrayFilter(at -> at.1 = 'host', ToolCall.workspace))) AS hosts,
            groupUniqArrayArray(arrayMap(at -> at.2, arrayFilter(at -> at.1 = 'error', ToolCall.workspace))) AS told
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent = 'tool_result'
            AND ToolName IN ('Read', 'NotebookRead', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit', 'Grep', 'Glob', 'LS')
            AND SessionId != ''
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
        GROUP BY
            SessionId,
            folder
    ),
    roots AS
    (
        SELECT
            SessionId,
            groupUniqArrayArray(hosts) AS host_paths,
            arrayFilter(x -> x != '', groupUniqArrayArray(told)) AS working_folders,
            groupArrayIf(
                (folder, calls),
                match(folder, '^/[^/]') AND NOT match(
                    folder,
                    '^/(?:etc|usr|bin|sbin|boot|dev|lib|lib64|opt|proc|sys|tmp|var|private|System|Library)(?:/|$)|^/(?:home/[^/]+|Users/[^/]+|root)/\\.')) AS held,
            arraySum(arrayMap(one -> one.2, held)) AS all_calls,
            arrayDistinct(arrayFlatten(arrayMap(
                one -> arrayMap(
                    depth -> arrayStringConcat(arraySlice(splitByChar('/', one.1), 1, depth), '/'),
                    -- A home folder is no project.
                    range(if(match(one.1, '^/(?:home|Users)/'), 4, 2), length(splitByChar('/', one.1)) + 1)),
                held))) AS candidates,
            arrayReverseSort(
                candidate -> length(candidate),
                arrayFilter(
                    candidate -> arraySum(arrayMap(
                        one -> if(one.1 = candidate OR startsWith(one.1, concat(candidate, '/')), one.2, 0), held)) >= 0.75 * all_calls,
                    candidates))[1] AS deepest,
            -- Where nearly all the work lies in one part of a project, that part is not the project.
            replaceRegexpOne(deepest, '(/[^/]+)/(?:src|lib|app|apps|tests?|spec|docs?|packages|crates|cmd|internal|pkg|scripts|components)(?:/.*)?$', '\\1') AS likely,
            multiIf(
                notEmpty({roots:Array(String)}), {roots:Array(String)},
                notEmpty(host_paths), host_paths,
                notEmpty(working_folders), working_folders,
                likely != '' AND NOT match(likely, '^/(?:home|Users)/[^/]+$'), [likely],
                deepest != '', [deepest],
                []) AS project_folders
        FROM folders
        GROUP BY SessionId
    ),
    acts AS
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
            ToolCall.verdict = 'denied' AS denied,
            ToolCall.unsandboxed AS unboxed,
            ToolCall.file AS file,
            ToolCall.line AS line,
            Commands AS commands,
            arrayDistinct(arrayMap(touch -> (touch.1, touch.2), Touched)) AS touched
        FROM otel_logs
        WHERE TenantId = {tenant:String}
            AND AgentEvent IN ('tool_decision', 'tool_result')
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
    ),
    judged AS
    (
        SELECT
            acts.*,
            arrayMap(
                command -> (
                    command,
                    substringUTF8(arrayStringConcat(arrayPushFront(command.4, command.3), ' '), 1, 300),
                    concat(arrayStringConcat(arrayPushFront(command.4, command.3), '\t'), '\t')),
                commands) AS read,
            -- A command that is dangerous is not reported for its rights a second time.
            arrayMap(
                (one, place) -> danger_of(
                    one.3, one.1.1, one.1.2, one.1.3, one.1.4, one.1.5,
                    arrayExists(earlier -> earlier.3 IN ('curl', 'wget'), arraySlice(commands, 1, place - 1))),
                read,
                arrayEnumerate(read)) AS dangers,
            arrayMap(
                one -> (network_of(one.3), reach_of(host_of(one.3)), sends_data(one.3)),
                read) AS connections,
            arrayFilter(
                violation -> violation.2 != '',
                arrayConcat(
                    arrayMap(
                        (one, danger) -> (
                            'dangerous_command',
                            if(danger.1 = 'runs as another user', '', danger.1),
                            danger.2,
                            one.2),
                        read,
                        dangers),
                    arrayMap(
                        (one, danger) -> (
                            'privilege_escalation',
                            if(danger.1 IN ('', 'runs as another user'), privilege_of(one.3, one.1.2, one.1.3, one.1.4, one.1.5).1, ''),
                            privilege_of(one.3, one.1.2, one.1.3, one.1.4, one.1.5).2,
                            one.2),
                        read,
                        dangers),
                    if(unboxed, [('privilege_escalation', 'leaves the sandbox', 'high', substringUTF8(line, 1, 300))], []),
                    arrayMap(
                        (one, connection) -> (
                            'network_activity',
                            multiIf(
                                connection.1.1 = '' OR connection.2 IN ('local', 'private'), '',
                                connection.3, concat(connection.1.1, ' that sends data'),
                                connection.1.1),
                            if(connection.3, 'high', connection.1.2),
                            one.2),
                        read,
                        connections),
                    arrayMap(
                        touch -> (
                            'sensitive_file',
                            if(sensitivity_of(touch.2).1 = '', '', concat(touch.1, ' of ', sensitivity_of(touch.2).1)),
                            sensitivity_of(touch.2).2,
                            touch.2),
                        touched),
                    arrayMap(
                        touch -> (
                            'out_of_scope',
                            if(
                                notEmpty(roots.project_folders) AND touch.1 != 'use'
                                    AND outside(touch.2, arrayConcat(roots.project_folders, {allow:Array(String)})),
                                concat(touch.1, ' outside the project'),
                                ''),
                            multiIf(touch.1 IN ('list', 'search'), 'low', touch.1 = 'read', 'medium', 'high'),
                            touch.2),
                        touched),
                    if(
                        rejected,
                        [('permission_denied', 'refused', 'low', if(line = '', file, substringUTF8(line, 1, 300)))],
                        []),
                    if(
                        denied,
                        [('permission_denied', 'denied by the system', 'medium', if(line = '', file, substringUTF8(line, 1, 300)))],
                        []))) AS violations
        FROM acts
        LEFT JOIN roots ON roots.SessionId = acts.SessionId
    )
SELECT
    time,
    session,
    user,
    team,
    project,
    category,
    rule,
    severity,
    toUInt64(transform(severity, ['low', 'medium', 'high', 'critical'], [1, 3, 7, 10], 0)) AS score,
    subject,
    tool,
    outcome,
    call,
    count() OVER (PARTITION BY session) AS session_violations,
    sum(score) OVER (PARTITION BY session) AS session_score
FROM
(
    SELECT
        toDateTime64(min(Timestamp), 3, 'UTC') AS time,
        SessionId AS session,
        max(UserId) AS user,
        max(TeamId) AS team,
        max(Project) AS project,
        violation.1 AS category,
        violation.2 AS rule,
        violation.3 AS severity,
        violation.4 AS subject,
        toString(any(ToolName)) AS tool,
        multiIf(
            countIf(rejected) > 0, 'refused',
            countIf(AgentEvent = 'tool_result') = 0, 'no result',
            countIf(ifNull(Success, false)) > 0, 'ok',
            'failed') AS outcome,
        call
    FROM judged
    ARRAY JOIN violations AS violation
    WHERE indexOf(['low', 'medium', 'high', 'critical'], violation.3) >= indexOf(['low', 'medium', 'high', 'critical'], {min_severity:String})
        AND (empty({categories:Array(String)}) OR violation.1 IN {categories:Array(String)})
    GROUP BY
        SessionId,
        call,
        violation
    UNION ALL
    SELECT
        toDateTime64(Timestamp, 3, 'UTC') AS time,
        SessionId AS session,
        UserId AS user,
        TeamId AS team,
        Project AS project,
        'privilege_escalation' AS category,
        'widens the permission mode' AS rule,
        if(LogAttributes['to_mode'] IN ('bypassPermissions', 'dontAsk'), 'high', 'medium') AS severity,
        concat('permission mode ', LogAttributes['from_mode'], ' to ', LogAttributes['to_mode']) AS subject,
        '' AS tool,
        'ok' AS outcome,
        '' AS call
    FROM otel_logs
    WHERE TenantId = {tenant:String}
        AND AgentEvent = 'permission_mode_changed'
        AND LogAttributes['to_mode'] NOT IN ('default', 'plan', '')
        AND indexOf(['low', 'medium', 'high', 'critical'], severity) >= indexOf(['low', 'medium', 'high', 'critical'], {min_severity:String})
        AND (empty({categories:Array(String)}) OR 'privilege_escalation' IN {categories:Array(String)})
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
ORDER BY
    score DESC,
    time DESC,
    session,
    call,
    category,
    rule,
    subject
LIMIT {limit:UInt32}
