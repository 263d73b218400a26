//! What is said to ClickHouse along with every query, so that no server's own settings decide.

use std::time::Duration;

use crate::QueryLimits;

/// Bytes that the server holds back before it answers. An error before that gets a status of its own; one
/// after it cuts the answer.
pub(super) const RESPONSE_BUFFER_BYTES: u32 = 1 << 20;

/// Bounds, none of which may be 0: that is ClickHouse's word for none.
pub(super) fn bounds(limits: &QueryLimits) -> [(&'static str, String); 5] {
    let seconds = limits.max_query_time.max(Duration::from_millis(1)).as_secs_f64();
    let at_least_one = |number: u64| number.max(1).to_string();
    [
        ("max_execution_time", seconds.to_string()),
        ("max_result_rows", at_least_one(limits.max_result_rows)),
        ("max_result_bytes", at_least_one(limits.max_result_bytes.as_u64())),
        ("max_rows_to_read", at_least_one(limits.max_rows_to_read)),
        ("max_memory_usage", at_least_one(limits.max_memory_bytes.as_u64())),
    ]
}

/// The rest, which is the same for every query.
pub(super) fn pinned() -> impl Iterator<Item = (&'static str, String)> {
    PINNED
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .chain([("http_response_buffer_size", RESPONSE_BUFFER_BYTES.to_string())])
}

const PINNED: &[(&str, &str)] = &[
    // Reads only, even if the configured user could do more.
    ("readonly", "2"),
    // Past a bound the query fails; half an answer is none.
    ("timeout_overflow_mode", "throw"),
    ("result_overflow_mode", "throw"),
    ("read_overflow_mode", "throw"),
    // Whoever hangs up ends the query.
    ("cancel_http_readonly_queries_on_client_close", "1"),
    // Halfway through, an error cuts the answer off; it does not end it in good order with the error in its place.
    ("http_write_exception_in_output_format", "0"),
    // Most answers are small, and the engine is near.
    ("enable_http_compression", "0"),
    ("wait_end_of_query", "0"),
    ("send_progress_in_http_headers", "0"),
    // What the queries mean.
    ("session_timezone", "UTC"),
    ("join_use_nulls", "0"),
    ("group_by_use_nulls", "0"),
    ("transform_null_in", "0"),
    ("aggregate_functions_null_for_empty", "0"),
    ("prefer_column_name_to_alias", "0"),
    ("use_query_cache", "0"),
    ("extremes", "0"),
    ("limit", "0"),
    ("offset", "0"),
    // How answers are written.
    ("date_time_output_format", "iso"),
    ("output_format_json_quote_64bit_integers", "0"),
    ("output_format_json_quote_64bit_floats", "0"),
    ("output_format_json_quote_decimals", "0"),
    ("output_format_json_quote_denormals", "0"),
    ("output_format_json_escape_forward_slashes", "0"),
    ("output_format_json_map_as_array_of_tuples", "0"),
    ("output_format_json_named_tuples_as_objects", "1"),
    ("output_format_json_array_of_rows", "0"),
    ("output_format_json_pretty_print", "0"),
    ("output_format_json_validate_utf8", "1"),
    ("output_format_write_statistics", "1"),
    ("format_csv_delimiter", ","),
    ("format_csv_null_representation", "\\N"),
    ("format_tsv_null_representation", "\\N"),
    ("output_format_tsv_crlf_end_of_line", "0"),
    // Text is text, and a column of few values is what its values are: not every reader knows dictionaries.
    ("output_format_parquet_string_as_string", "1"),
    ("output_format_parquet_compression_method", "zstd"),
    ("output_format_arrow_string_as_string", "1"),
    ("output_format_arrow_low_cardinality_as_dictionary", "0"),
    // On the way it is compressed as the client likes it; inside, few readers can.
    ("output_format_arrow_compression_method", "none"),
    ("output_format_csv_crlf_end_of_line", "0"),
];
