//! What a client of ClickHouse's HTTP interface asks, and what of it is passed on.
//!
//! Settings, query parameters and formats are, as they are: the guest's constraints say which settings may be changed. What
//! the gateway decides itself is not: who asks, which database, the query's id, sessions. Bounds may be lowered.

use http::HeaderMap;

use super::Refusal;
use super::headers_to_pass_on;
use crate::{QueryLimits, RawParams};

/// Parameters that say who asks, and are none of ClickHouse's business any more.
const CREDENTIALS: [&str; 3] = ["user", "password", "quota_key"];

/// Parameters that the gateway decides. Sessions among them: they would be shared by everybody who gives the same name
/// to one, and hold nothing that a reader needs.
const DECIDED_HERE: [&str; 9] = [
    "query_id",
    "log_comment",
    "session_id",
    "session_timeout",
    "session_check",
    "role",
    "client_protocol_version_major",
    "close_session",
    "readonly",
];

/// Settings of inserts, of which there are none here. A guest may not change them, and `ClickHouse`'s JDBC driver, which
/// `DBeaver` and Metabase use, says with every statement how it would insert.
const OF_INSERTS: [&str; 2] = ["async_insert", "wait_for_async_insert"];

/// What is asked.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) text: String,
    parameters: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
}

impl Statement {
    /// Reads a request: a statement in the address, in the body, or in both, one behind the other.
    ///
    /// # Errors
    ///
    /// The request is not one of those that are taken here.
    pub(crate) fn read(
        given: &RawParams,
        headers: &HeaderMap,
        body: &[u8],
        database: &str,
    ) -> Result<Self, Refusal> {
        let is = |name: http::HeaderName, unlike: &str| {
            headers.get(name).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(unlike.as_bytes()))
        };
        if is(http::header::CONTENT_ENCODING, "identity") {
            return Err(Refusal::unsupported("a compressed statement; send it as it is"));
        }
        let body =
            std::str::from_utf8(body).map_err(|_| Refusal::unsupported("a statement that is not UTF-8"))?;
        let mut asked =
            Self { text: String::new(), parameters: Vec::new(), headers: headers_to_pass_on(headers) };
        let mut wanted = headers.get("x-clickhouse-database").and_then(|name| name.to_str().ok());
        for (name, value) in given.iter() {
            match name {
                "query" => asked.text.push_str(value),
                "database" => wanted = Some(value),
                "decompress" if value != "0" => {
                    return Err(Refusal::unsupported("a compressed statement; send it as it is"));
                }
                _ if CREDENTIALS.contains(&name)
                    || DECIDED_HERE.contains(&name)
                    || OF_INSERTS.contains(&name) => {}
                _ => asked.parameters.push((name.to_owned(), value.to_owned())),
            }
        }
        if !asked.text.is_empty() && !body.is_empty() {
            asked.text.push('\n');
        }
        asked.text.push_str(body);
        match wanted {
            None | Some("" | "default") => Ok(asked),
            Some(name) if name == database => Ok(asked),
            Some(other) => Err(Refusal::unknown_database(other, database)),
        }
    }

    /// The parameters with every bound in them: the client's where it is the lower one.
    pub(super) fn bounded(&self, limits: &QueryLimits) -> Result<Vec<(String, String)>, Refusal> {
        let mut parameters = Vec::new();
        let mut lowered = limits.guest_bounds();
        for (name, value) in &self.parameters {
            let Some((_, least)) = lowered.iter_mut().find(|(bound, _)| bound == name) else {
                parameters.push((name.clone(), value.clone()));
                continue;
            };
            let wanted: f64 = value.parse().map_err(|_| Refusal::bad_bound(name, value))?;
            // 0 is ClickHouse's word for none, and whoever wants none gets all there is.
            if wanted >= 1.0 {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
                let wanted = wanted as u64;
                *least = wanted.min(*least);
            }
        }
        parameters.extend(lowered.into_iter().map(|(name, value)| (name.to_owned(), value.to_string())));
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, body: &str) -> Result<Statement, Refusal> {
        let given = RawParams::from_query_string(query).unwrap();
        Statement::read(&given, &HeaderMap::new(), body.as_bytes(), "telemetry")
    }

    #[test]
    fn a_statement_comes_in_the_address_in_the_body_or_in_both() {
        assert_eq!(read("query=SELECT%201", "").unwrap().text, "SELECT 1");
        assert_eq!(read("", "SELECT 1").unwrap().text, "SELECT 1");
        assert_eq!(read("query=SELECT", "1").unwrap().text, "SELECT\n1");
    }

    #[test]
    fn what_the_gateway_decides_is_not_passed_on_and_bounds_can_only_be_lowered() {
        let limits = QueryLimits::default();
        let asked = read(
            "query_id=x.y&user=a&password=b&session_id=s&log_comment=z&role=r&database=telemetry&default_format=CSV&param_a=1\
             &max_result_rows=10&max_rows_to_read=0&max_memory_usage=99999999999999999999",
            "SELECT 1",
        )
        .unwrap();
        let parameters = asked.bounded(&limits).unwrap();
        let value = |name: &str| {
            let values: Vec<_> = parameters.iter().filter(|(given, _)| given == name).collect();
            assert!(values.len() < 2, "{name} once");
            values.first().map(|(_, value)| value.as_str())
        };
        for name in ["query_id", "user", "password", "session_id", "log_comment", "role", "database"] {
            assert_eq!(value(name), None, "{name}");
        }
        assert_eq!((value("default_format"), value("param_a")), (Some("CSV"), Some("1")));
        assert_eq!(value("max_result_rows"), Some("10"));
        assert_eq!(value("max_rows_to_read"), Some(limits.max_rows_to_read.to_string().as_str()));
        assert_eq!(value("max_memory_usage"), Some(limits.max_memory_bytes.as_u64().to_string().as_str()));
    }

    #[test]
    fn another_database_and_a_bound_that_is_no_number_are_refused() {
        assert!(read("database=otel", "SELECT 1").is_err());
        assert!(read("database=default", "SELECT 1").is_ok());
        assert!(read("max_result_rows=many", "").unwrap().bounded(&QueryLimits::default()).is_err());
        assert!(read("decompress=1", "SELECT 1").is_err());
    }
}
