//! OTLP over HTTP: route, headers, body, answer.

use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use granary_model::Signal;
use granary_otlp::{Compression, Encoding, Failure};
use http::header::{
    ACCEPT, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::doors::Doors;
use crate::error::{Refusal, whole_seconds};
use crate::lane::Body;
use crate::sender::Sender;

/// What metrics call this door.
pub(crate) const DOOR: &str = "http";

/// The three routes; everything else is 404.
pub(crate) fn router(doors: Doors) -> Router {
    let route = |signal: Signal| {
        post(move |State(doors): State<Doors>, request: Request| export(doors, signal, request))
            .fallback(only_post)
    };
    Signal::ALL
        .into_iter()
        .fold(Router::new(), |router, signal| router.route(&format!("/v1/{signal}"), route(signal)))
        .with_state(doors)
}

async fn only_post() -> impl IntoResponse {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], "OTLP requests are sent by POST\n")
}

async fn export(doors: Doors, signal: Signal, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // The encoding of an answer to a request whose own encoding is not known.
    let fallback = match header(&parts.headers, ACCEPT) {
        accept if accept.contains("x-protobuf") => Encoding::Protobuf,
        _ => Encoding::Json,
    };
    let encoding = Encoding::from_content_type(header(&parts.headers, CONTENT_TYPE));
    let peer = parts.extensions.get().copied();
    let answer = match doors.admit(DOOR, signal, peer, &parts.headers) {
        Ok(sender) => {
            let answer = take(&doors, signal, &sender, &parts.headers, encoding, body).await;
            doors.answered(DOOR, signal, &sender, answer.as_ref().err());
            answer
        }
        Err(refusal) => Err(refusal),
    };
    match answer {
        Ok(answer) => {
            let encoding = encoding.unwrap_or(fallback);
            ([(CONTENT_TYPE, encoding.content_type())], answer.encode(encoding)).into_response()
        }
        Err(refusal) => refuse(&refusal, encoding.unwrap_or(fallback)),
    }
}

async fn take(
    doors: &Doors,
    signal: Signal,
    sender: &Sender,
    headers: &HeaderMap,
    encoding: Option<Encoding>,
    body: HttpBody,
) -> Result<granary_otlp::Answer, Refusal> {
    let encoding = encoding
        .ok_or_else(|| Refusal::ContentType { content_type: header(headers, CONTENT_TYPE).to_owned() })?;
    let content_encoding = header(headers, CONTENT_ENCODING);
    let compression = Compression::from_content_encoding(content_encoding)
        .ok_or_else(|| Refusal::ContentEncoding { content_encoding: content_encoding.to_owned() })?;
    let limit = doors.config().max_body.as_u64();
    let announced = header(headers, CONTENT_LENGTH).parse::<u64>().ok();
    if announced.is_some_and(|length| length > limit) {
        return Err(Refusal::BodyTooLarge { limit });
    }
    // Told before it is sent, the body is counted before it is read.
    if let Some(length) = announced {
        sender.take_bytes(length)?;
    }
    // A chunked body may become as large as the limit, so that is what it reserves.
    let in_flight = doors.reserve(announced.unwrap_or(limit))?;
    let bytes = tokio::time::timeout(doors.config().read_timeout, collect(body, limit))
        .await
        .unwrap_or_else(|_| Err(Refusal::slow_body(doors.config().read_timeout)))?;
    if announced.is_none() {
        sender.take_bytes(bytes.len() as u64)?;
    }
    doors.submit(sender, signal, Body { bytes, encoding, compression }, in_flight).await
}

async fn collect(body: HttpBody, limit: u64) -> Result<Bytes, Refusal> {
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge { limit }),
        Err(error) => Err(Refusal::Body { reason: error.to_string() }),
    }
}

fn refuse(refusal: &Refusal, encoding: Encoding) -> Response {
    let message = refusal.to_string();
    let body = Failure { code: refusal.code() as i32, message: &message }.encode(encoding);
    let mut response = (refusal.status(), [(CONTENT_TYPE, encoding.content_type())], body).into_response();
    if let Some(wait) = refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, whole_seconds(wait).into());
    }
    if refusal.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn header(headers: &HeaderMap, name: http::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
