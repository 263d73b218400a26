//! JSON-RPC 2.0, as the protocol uses it: one message a request, no batches.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::version::Era;

/// A request that wants an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    /// A text or a whole number, given back as it came.
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
}

/// Why a request has no result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    status: StatusCode,
    code: i32,
    message: String,
    data: Option<Value>,
}

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const HEADER_MISMATCH: i32 = -32020;
const UNSUPPORTED_VERSION: i32 = -32022;

impl Request {
    /// Reads a message; nothing is read of a notification, which wants no answer.
    pub(super) fn read(body: &[u8]) -> Result<Option<Self>, Fault> {
        let message: Value = serde_json::from_slice(body).map_err(|error| {
            Fault::new(StatusCode::BAD_REQUEST, PARSE_ERROR, format!("not JSON: {error}"))
        })?;
        let Value::Object(mut message) = message else {
            return Err(Fault::invalid("one message a request, and no batch of them"));
        };
        if message.get("jsonrpc") != Some(&json!("2.0")) {
            return Err(Fault::invalid("jsonrpc must be \"2.0\""));
        }
        let Some(Value::String(method)) = message.remove("method") else {
            return Err(Fault::invalid("method must be a text; nothing here waits for a response"));
        };
        let id = match message.remove("id") {
            None => return Ok(None),
            Some(id) if id.is_string() || id.is_i64() || id.is_u64() => id,
            Some(_) => return Err(Fault::invalid("id must be a text or a whole number")),
        };
        match message.remove("params") {
            None => Ok(Some(Self { id, method, params: Map::new() })),
            Some(Value::Object(params)) => Ok(Some(Self { id, method, params })),
            Some(_) => Err(Fault::invalid("params must be an object")),
        }
    }

    /// A value of `_meta` under the protocol's prefix.
    pub(super) fn meta(&self, name: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(format!("io.modelcontextprotocol/{name}"))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name)?.as_str()
    }
}

impl Fault {
    fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), data: None }
    }

    fn invalid(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, message)
    }

    /// Params that no other try with the same tools would make right.
    pub(super) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, INVALID_PARAMS, message)
    }

    pub(super) fn missing_meta(name: &str) -> Self {
        let message = format!("_meta has no io.modelcontextprotocol/{name}");
        Self::new(StatusCode::BAD_REQUEST, INVALID_PARAMS, message)
    }

    pub(super) fn header_mismatch(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, HEADER_MISMATCH, message)
    }

    pub(super) fn unsupported_version(requested: &str, supported: &[&str]) -> Self {
        let data = json!({ "supported": supported, "requested": requested });
        let start = Self::new(StatusCode::BAD_REQUEST, UNSUPPORTED_VERSION, "Unsupported protocol version");
        Self { data: Some(data), ..start }
    }

    pub(super) fn unknown_method(method: &str, era: Era) -> Self {
        let status = if era == Era::Stateless { StatusCode::NOT_FOUND } else { StatusCode::OK };
        Self::new(status, METHOD_NOT_FOUND, format!("there is no method {method:?}"))
    }

    pub(super) fn response(self, id: &Value) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(data) = self.data {
            error["data"] = data;
        }
        write(self.status, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
    }
}

/// The answer to a request.
pub(super) fn response(id: &Value, result: &Value) -> Response {
    write(StatusCode::OK, &json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

fn write(status: StatusCode, message: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], message.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_and_a_notification_wants_nothing() {
        let request = Request::read(br#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#).unwrap().unwrap();
        assert_eq!((request.id, request.method.as_str()), (json!("a"), "ping"));
        assert_eq!(Request::read(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), Ok(None));
    }

    #[test]
    fn what_is_no_request_is_refused_by_what_it_is_not() {
        for (body, code) in [
            ("{", PARSE_ERROR),
            ("[]", INVALID_REQUEST),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, INVALID_REQUEST),
            (r#"{"id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, INVALID_REQUEST),
        ] {
            let fault = Request::read(body.as_bytes()).unwrap_err();
            assert_eq!((fault.code, fault.status), (code, StatusCode::BAD_REQUEST), "{body}");
        }
    }
}
