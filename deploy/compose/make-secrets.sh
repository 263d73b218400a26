#!/bin/sh
# Makes the passwords that docker-compose.yml mounts, in secrets/, and ClickHouse's two users with their hashes. A
# password that is there already stays as it is; to change one, delete its file and run this again.
#
# The folder is this user's alone; the files in it can be read by the containers' users, who are others.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 700 secrets
for name in clickhouse_owner_password clickhouse_reader_password s3_secret_access_key grafana_admin_password; do
    if [ ! -s "secrets/$name" ]; then
        # 192 bits, in letters that no shell, SQL or URL takes for anything else.
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"secrets/$name"
        echo "made secrets/$name"
    fi
done

hash() {
    tr -d '\n' <"secrets/$1" | sha256sum | cut -d ' ' -f 1
}

cat >secrets/clickhouse_users.xml <<XML
<clickhouse>
    <users>
        <!-- It has no password. -->
        <default remove="remove"/>
        <granary>
            <password_sha256_hex>$(hash clickhouse_owner_password)</password_sha256_hex>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants>
                <query>GRANT ALL ON otel.*</query>
                <!-- Whether the machine was started since: see ARCHITECTURE.md, tokens. -->
                <query>GRANT SELECT ON system.asynchronous_metrics</query>
            </grants>
        </granary>
        <!-- The gateway's and Grafana's. readonly = 2 lets them set limits and change nothing. -->
        <granary_reader>
            <password_sha256_hex>$(hash clickhouse_reader_password)</password_sha256_hex>
            <networks><ip>::/0</ip></networks>
            <profile>granary_reader</profile>
            <quota>default</quota>
            <grants>
                <query>GRANT SELECT ON otel.*</query>
            </grants>
        </granary_reader>
    </users>
    <profiles>
        <granary_reader>
            <readonly>2</readonly>
        </granary_reader>
    </profiles>
</clickhouse>
XML
