//! An answer as HTTP has it: encoded, named, with what caches and clients need to know.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::answers::Answered;
use crate::cache::{Found, Whole};
use crate::encoding::{Encoded, Encoding};
use crate::problem::Problem;
use crate::{Format, RunError};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const X_NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

/// `keep` is how long the answer may be given again; `given` are the request's headers.
pub(super) fn write(
    answered: Answered,
    found: Found,
    keep: Duration,
    format: Format,
    uri: &Uri,
    given: &HeaderMap,
) -> Result<Response, Problem> {
    let encoding = if format.is_compressed() { Encoding::Identity } else { Encoding::preferred(given) };
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        // An answer is a caller's own; no cache may give one to another.
        (header::VARY, HeaderValue::from_static("accept-encoding, authorization")),
        (X_CACHE, HeaderValue::from_static(found.name())),
    ]);
    let lasts = HeaderValue::try_from(format!("private, max-age={}", keep.as_secs()));
    headers.extend(lasts.ok().map(|lasts| (header::CACHE_CONTROL, lasts)));
    match answered {
        Answered::Whole(whole) => write_whole(&whole, encoding, headers, uri, given),
        Answered::Stream(answer) => write_stream(answer, encoding, headers),
        Answered::Rest(rest) => write_stream(rest, encoding, headers),
    }
}

fn write_whole(
    whole: &Whole,
    encoding: Encoding,
    mut headers: HeaderMap,
    uri: &Uri,
    given: &HeaderMap,
) -> Result<Response, Problem> {
    let (bytes, tag) = whole.encoded(encoding).map_err(|error| Problem::internal(&error))?;
    headers.insert(header::AGE, HeaderValue::from(whole.age().as_secs()));
    headers.extend(tag.header().map(|tag| (header::ETAG, tag)));
    if let Some(cursor) = whole.next.as_deref() {
        let next = [(X_NEXT_CURSOR, cursor.to_owned()), (header::LINK, link(uri, cursor))];
        headers.extend(next.into_iter().filter_map(|(name, text)| Some((name, text.try_into().ok()?))));
    }
    if let Some(instead) = tag.instead(given) {
        return Ok((instead, headers).into_response());
    }
    headers.extend(encoding.header().map(|value| (header::CONTENT_ENCODING, value)));
    Ok((headers, Body::from(bytes)).into_response())
}

/// The address of the next page: the same with another cursor.
fn link(uri: &Uri, cursor: &str) -> String {
    let given = uri.query().unwrap_or_default().split('&');
    let kept: Vec<_> =
        given.filter(|piece| !piece.is_empty() && piece.split('=').next() != Some("cursor")).collect();
    let kept = kept.iter().map(|piece| format!("{piece}&")).collect::<String>();
    format!("<{}?{kept}cursor={cursor}>; rel=\"next\"", uri.path())
}

fn write_stream(
    answer: impl Stream<Item = Result<Bytes, RunError>> + Send + Unpin + 'static,
    encoding: Encoding,
    mut headers: HeaderMap,
) -> Result<Response, Problem> {
    headers.extend(encoding.header().map(|value| (header::CONTENT_ENCODING, value)));
    if encoding == Encoding::Identity {
        return Ok((headers, Body::from_stream(answer)).into_response());
    }
    let encoded = Encoded::new(answer, encoding).map_err(|error| Problem::internal(&error))?;
    Ok((headers, encoded.map_or_else(Body::empty, Body::from_stream)).into_response())
}
