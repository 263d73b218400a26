//! A session's archived object as it lies in the store: gzipped JSON lines.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures::stream;
use granary_archive::StoreError;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::replay::ask;
use crate::caller::may_see_session;
use crate::conditional::{EntityTag, Wanted};
use crate::problem::Problem;
use crate::request::RequestId;
use crate::router::GatewayState;
use crate::{Caller, Kind, Outcome};

/// `GET /v1/sessions/{id}/archive`: with the hash of what it holds as its tag, in whole or in part.
pub(crate) async fn fetch(
    State(state): State<GatewayState>,
    session: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Extension(RequestId(id)): Extension<RequestId>,
    given: HeaderMap,
) -> Result<Response, Problem> {
    let Path(session) = session.map_err(Problem::unreadable_path)?;
    let mut asked = ask(&state, &caller, id, Kind::Object, &session, "gz");
    let found = async {
        let archive = state.archive()?;
        may_see_session(&state.warehouse, &state.query_limits, &caller, &session).await?;
        let object = archive.object(caller.tenant(), &session).await?;
        object.ok_or_else(|| Problem::not_archived(&session))
    };
    let object = found.await.inspect_err(|problem| problem.tell(&mut asked))?;
    // The same lines may be compressed in another way by another version; their hash alone would not tell.
    let tag = EntityTag::strong(format!("{}-{}", object.sha256(), object.size_bytes()));
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/gzip")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ]);
    headers.extend(tag.header().map(|tag| (header::ETAG, tag)));
    if let Some(instead) = tag.instead(&given) {
        asked.answered(instead);
        asked.ok();
        return Ok((instead, headers).into_response());
    }
    let size = object.size_bytes();
    let wanted = if tag.suits_range(&given) { Wanted::read(&given, size) } else { Wanted::Whole };
    let text = |text: String| HeaderValue::try_from(text).ok();
    let (status, range) = match wanted {
        Wanted::Whole => {
            let name = format!("attachment; filename=\"{}\"", object.file_name());
            headers.extend(text(name).map(|name| (header::CONTENT_DISPOSITION, name)));
            (StatusCode::OK, 0..size)
        }
        Wanted::Part(range) => {
            let part = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
            headers.extend(text(part).map(|part| (header::CONTENT_RANGE, part)));
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Wanted::Beyond => {
            headers.extend(text(format!("bytes */{size}")).map(|size| (header::CONTENT_RANGE, size)));
            // A problem is none of the object's bytes.
            headers.remove(header::CONTENT_TYPE);
            let problem = Problem::beyond(size);
            problem.tell(&mut asked);
            return Ok((headers, problem).into_response());
        }
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    asked.answered(status);
    let wanted = range.end - range.start;
    let chunks = stream::try_unfold((object.read(range), asked), move |(mut part, mut asked)| async move {
        let chunk = part.next_chunk().await.inspect_err(|_| asked.ended(Outcome::Failed, "archive"))?;
        asked.note(|entry| {
            entry.result_bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            // With the length said before, nobody asks what comes behind the last byte.
            if entry.result_bytes >= wanted {
                entry.outcome = Outcome::Ok;
            }
        });
        Ok::<_, StoreError>(chunk.map(|chunk| (chunk, (part, asked))))
    });
    Ok((status, headers, Body::from_stream(chunks)).into_response())
}
