#!/bin/sh
# Makes the passwords that docker-compose.yml mounts, in secrets/, and ClickHouse's users with their hashes. A
# password that is there already stays as it is; to change one, delete its file, run this again, and have everything read it:
#
#   docker compose up -d --force-recreate
#
# Without the flag MinIO goes on with the old one, and `up` waits for bucket, which has the new one, for ever.
#
# The folder is this user's alone; the files in it can be read by the containers' users, who are others.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 700 secrets
for name in clickhouse_owner_password clickhouse_reader_password clickhouse_guest_password clickhouse_auditor_password s3_secret_access_key grafana_admin_password; do
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
                <!-- Servers with table_engines_require_grant ask for these besides. -->
                <query>GRANT TABLE ENGINE ON MergeTree, TABLE ENGINE ON ReplacingMergeTree, TABLE ENGINE ON AggregatingMergeTree</query>
                <!-- The views for other people's SQL, which read with this user's rights. -->
                <query>GRANT ALL ON telemetry.*</query>
                <query>GRANT SET DEFINER ON granary</query>
                <!-- Whether the machine was started since: see ARCHITECTURE.md, tokens. -->
                <query>GRANT SELECT ON system.asynchronous_metrics</query>
            </grants>
        </granary>
        <!-- The gateway's. readonly = 2 lets them set limits and change nothing. -->
        <granary_reader>
            <password_sha256_hex>$(hash clickhouse_reader_password)</password_sha256_hex>
            <networks><ip>::/0</ip></networks>
            <profile>granary_reader</profile>
            <quota>default</quota>
            <grants>
                <query>GRANT SELECT ON otel.*</query>
            </grants>
        </granary_reader>
        <granary_guest>
            <password_sha256_hex>$(hash clickhouse_guest_password)</password_sha256_hex>
            <networks><ip>::/0</ip></networks>
            <profile>granary_guest</profile>
            <quota>default</quota>
            <grants>
                <query>GRANT SELECT ON telemetry.*</query>
            </grants>
        </granary_guest>
        <!-- It writes down who asked what, and cannot change it. -->
        <granary_auditor>
            <password_sha256_hex>$(hash clickhouse_auditor_password)</password_sha256_hex>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants>
                <query>GRANT INSERT ON otel.query_audit</query>
                <query>GRANT SELECT(query_id, read_rows, read_bytes) ON system.processes</query>
            </grants>
        </granary_auditor>
    </users>
    <profiles>
        <granary_reader>
            <readonly>2</readonly>
        </granary_reader>
        <!-- Whoever writes SQL of their own: the views and nothing else, within bounds that no statement lifts. -->
        <granary_guest>
            <readonly>1</readonly>
            <http_response_buffer_size>1048576</http_response_buffer_size>
            <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
            <max_execution_time>30</max_execution_time>
            <max_result_rows>1000000</max_result_rows>
            <max_result_bytes>1073741824</max_result_bytes>
            <max_rows_to_read>2000000000</max_rows_to_read>
            <max_memory_usage>2147483648</max_memory_usage>
            <constraints>
                <max_execution_time><min>1</min><max>30</max><changeable_in_readonly/></max_execution_time>
                <max_result_rows><min>1</min><max>1000000</max><changeable_in_readonly/></max_result_rows>
                <max_result_bytes><min>1</min><max>1073741824</max><changeable_in_readonly/></max_result_bytes>
                <max_rows_to_read><min>1</min><max>2000000000</max><changeable_in_readonly/></max_rows_to_read>
                <max_memory_usage><min>1</min><max>2147483648</max><changeable_in_readonly/></max_memory_usage>
                <add_http_cors_header><changeable_in_readonly/></add_http_cors_header>
                <any_join_distinct_right_table_keys><changeable_in_readonly/></any_join_distinct_right_table_keys>
                <cast_keep_nullable><changeable_in_readonly/></cast_keep_nullable>
                <cancel_http_readonly_queries_on_client_close><changeable_in_readonly/></cancel_http_readonly_queries_on_client_close>
                <count_distinct_implementation><changeable_in_readonly/></count_distinct_implementation>
                <date_time_output_format><changeable_in_readonly/></date_time_output_format>
                <enable_http_compression><changeable_in_readonly/></enable_http_compression>
                <extremes><changeable_in_readonly/></extremes>
                <format_csv_delimiter><changeable_in_readonly/></format_csv_delimiter>
                <format_csv_null_representation><changeable_in_readonly/></format_csv_null_representation>
                <format_tsv_null_representation><changeable_in_readonly/></format_tsv_null_representation>
                <group_by_use_nulls><changeable_in_readonly/></group_by_use_nulls>
                <http_headers_progress_interval_ms><changeable_in_readonly/></http_headers_progress_interval_ms>
                <http_write_exception_in_output_format><changeable_in_readonly/></http_write_exception_in_output_format>
                <http_zlib_compression_level><changeable_in_readonly/></http_zlib_compression_level>
                <join_use_nulls><changeable_in_readonly/></join_use_nulls>
                <limit><changeable_in_readonly/></limit>
                <log_comment><changeable_in_readonly/></log_comment>
                <max_threads><changeable_in_readonly/></max_threads>
                <network_compression_method><changeable_in_readonly/></network_compression_method>
                <offset><changeable_in_readonly/></offset>
                <output_format_arrow_string_as_string><changeable_in_readonly/></output_format_arrow_string_as_string>
                <output_format_binary_encode_types_in_binary_format><changeable_in_readonly/></output_format_binary_encode_types_in_binary_format>
                <output_format_binary_write_json_as_string><changeable_in_readonly/></output_format_binary_write_json_as_string>
                <output_format_csv_crlf_end_of_line><changeable_in_readonly/></output_format_csv_crlf_end_of_line>
                <output_format_decimal_trailing_zeros><changeable_in_readonly/></output_format_decimal_trailing_zeros>
                <output_format_json_array_of_rows><changeable_in_readonly/></output_format_json_array_of_rows>
                <output_format_json_escape_forward_slashes><changeable_in_readonly/></output_format_json_escape_forward_slashes>
                <output_format_json_named_tuples_as_objects><changeable_in_readonly/></output_format_json_named_tuples_as_objects>
                <output_format_json_quote_64bit_floats><changeable_in_readonly/></output_format_json_quote_64bit_floats>
                <output_format_json_quote_64bit_integers><changeable_in_readonly/></output_format_json_quote_64bit_integers>
                <output_format_json_quote_decimals><changeable_in_readonly/></output_format_json_quote_decimals>
                <output_format_json_quote_denormals><changeable_in_readonly/></output_format_json_quote_denormals>
                <output_format_native_encode_types_in_binary_format><changeable_in_readonly/></output_format_native_encode_types_in_binary_format>
                <output_format_native_write_json_as_string><changeable_in_readonly/></output_format_native_write_json_as_string>
                <output_format_parquet_string_as_string><changeable_in_readonly/></output_format_parquet_string_as_string>
                <output_format_pretty_color><changeable_in_readonly/></output_format_pretty_color>
                <output_format_pretty_max_rows><changeable_in_readonly/></output_format_pretty_max_rows>
                <output_format_write_statistics><changeable_in_readonly/></output_format_write_statistics>
                <prefer_column_name_to_alias><changeable_in_readonly/></prefer_column_name_to_alias>
                <read_overflow_mode><changeable_in_readonly/></read_overflow_mode>
                <result_overflow_mode><changeable_in_readonly/></result_overflow_mode>
                <send_progress_in_http_headers><changeable_in_readonly/></send_progress_in_http_headers>
                <session_timezone><changeable_in_readonly/></session_timezone>
                <timeout_overflow_mode><changeable_in_readonly/></timeout_overflow_mode>
                <totals_mode><changeable_in_readonly/></totals_mode>
                <transform_null_in><changeable_in_readonly/></transform_null_in>
            </constraints>
        </granary_guest>
    </profiles>
</clickhouse>
XML
