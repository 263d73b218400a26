//! What the guest, who runs what other people wrote, may ask of the engine.
//!
//! It is granted what is published and nothing else. A statement can bring settings of its own, and in this engine
//! some of them open files of the machine (`format_schema`, `format_template_row`) or hide an expression in a
//! string (`additional_result_filter`). So the guest is in the mode that lets no setting be changed, but for those
//! named here: they change how an answer is written, or what a query means, or lower a bound.

use std::fmt::Write;

use crate::configuration::escape;

/// A guest's profile, as the users file has it.
pub(crate) fn profile(bounds: &[(&'static str, u64)]) -> String {
    let mut values = String::new();
    let mut constraints = String::new();
    for (name, value) in bounds {
        // 0 is ClickHouse's word for no bound.
        write!(values, "<{name}>{value}</{name}>").ok();
        write!(constraints, "<{name}><min>1</min><max>{value}</max><changeable_in_readonly/></{name}>").ok();
    }
    for name in FREE {
        write!(constraints, "<{name}><changeable_in_readonly/></{name}>").ok();
    }
    format!(
        "<guest><readonly>1</readonly>\
         <distributed_product_mode>global</distributed_product_mode>\
         <http_response_buffer_size>{HELD_BACK_BYTES}</http_response_buffer_size>\
         <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>\
         {values}<constraints>{constraints}</constraints></guest>"
    )
}

/// Grants of reading, as the users file has them.
pub(crate) fn select_on(databases: &[String]) -> String {
    databases
        .iter()
        .map(|database| format!("<query>GRANT SELECT ON {}.*</query>", escape(database)))
        .collect()
}

/// Bytes of an answer that are held back, so that most errors have a status of their own.
const HELD_BACK_BYTES: u32 = 1 << 20;

/// What clients set and no harm comes of.
const FREE: &[&str] = &[
    "add_http_cors_header",
    "any_join_distinct_right_table_keys",
    "cast_keep_nullable",
    "cancel_http_readonly_queries_on_client_close",
    "count_distinct_implementation",
    "date_time_output_format",
    "enable_http_compression",
    "extremes",
    "format_csv_delimiter",
    "format_csv_null_representation",
    "format_tsv_null_representation",
    "group_by_use_nulls",
    "http_headers_progress_interval_ms",
    "http_write_exception_in_output_format",
    "http_zlib_compression_level",
    "join_use_nulls",
    "limit",
    "log_comment",
    "max_threads",
    "network_compression_method",
    "offset",
    "output_format_arrow_string_as_string",
    "output_format_binary_encode_types_in_binary_format",
    "output_format_binary_write_json_as_string",
    "output_format_csv_crlf_end_of_line",
    "output_format_decimal_trailing_zeros",
    "output_format_json_array_of_rows",
    "output_format_json_escape_forward_slashes",
    "output_format_json_named_tuples_as_objects",
    "output_format_json_quote_64bit_floats",
    "output_format_json_quote_64bit_integers",
    "output_format_json_quote_decimals",
    "output_format_json_quote_denormals",
    "output_format_native_encode_types_in_binary_format",
    "output_format_native_write_json_as_string",
    "output_format_parquet_string_as_string",
    "output_format_pretty_color",
    "output_format_pretty_max_rows",
    "output_format_write_statistics",
    "prefer_column_name_to_alias",
    "read_overflow_mode",
    "result_overflow_mode",
    "send_progress_in_http_headers",
    "session_timezone",
    "timeout_overflow_mode",
    "totals_mode",
    "transform_null_in",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever sets up a server copies these.
    #[test]
    fn a_server_s_guest_is_told_to_be_set_up_like_the_engine_s() {
        let sql = include_str!("../../../deploy/README.md");
        let xml = include_str!("../../../deploy/compose/make-secrets.sh");
        for name in FREE {
            assert!(
                sql.contains(&format!("    {name} ")) && sql.contains("CHANGEABLE_IN_READONLY"),
                "{name}"
            );
            assert!(xml.contains(&format!("<{name}><changeable_in_readonly/></{name}>")), "{name}");
        }
        let (in_sql, in_xml) =
            (sql.matches("CHANGEABLE_IN_READONLY").count(), xml.matches("<changeable_in_readonly/>").count());
        let bounds = 5;
        assert_eq!(
            (in_sql, in_xml),
            (FREE.len() + bounds, FREE.len() + bounds),
            "and no more may be changed"
        );
    }
}
