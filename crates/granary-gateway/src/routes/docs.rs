//! A page to try the queries on, for people: `/docs`.
//!
//! It comes with the binary whole, and loads nothing from anywhere else; its policy says so to the browser. It holds nobody's
//! data, so everybody may have it: what it asks, it asks as whoever gives it a key, which it keeps in the tab.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::problem::Problem;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /docs`
pub(crate) async fn page() -> Response {
    answer("text/html; charset=utf-8", include_str!("docs/page.html"))
}

/// `GET /docs/{file}`
pub(crate) async fn file(file: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let Path(file) = file.map_err(Problem::unreadable_path)?;
    match file.as_str() {
        "app.js" => Ok(answer("text/javascript; charset=utf-8", include_str!("docs/app.js"))),
        "style.css" => Ok(answer("text/css; charset=utf-8", include_str!("docs/style.css"))),
        _ => Err(Problem::not_found("the page has no such part; GET /docs is the page")),
    }
}

fn answer(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
