//! Gets a small document from an address, within bounds.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use url::Url;

use crate::with_cause;

/// The largest document that is read.
const MAX_BYTES: usize = 256 * 1024;

/// How long all of it may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// A client that trusts what the system trusts and follows no redirection.
#[derive(Debug, Clone)]
pub(super) struct Fetcher(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl Fetcher {
    pub(super) fn new() -> std::io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(aws_lc_rs::default_provider())?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// # Errors
    ///
    /// Why there is no document, for the log.
    pub(super) async fn get(&self, address: &Url) -> Result<Bytes, String> {
        let request = Request::get(address.as_str())
            .header(http::header::ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let exchange = async {
            let response = self.0.request(request).await.map_err(|error| with_cause(&error))?;
            if response.status() != StatusCode::OK {
                return Err(format!("it answered {}", response.status()));
            }
            let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
            body.map(http_body_util::Collected::to_bytes).map_err(|error| error.to_string())
        };
        timeout(TIME_LIMIT, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {TIME_LIMIT:?}")))
    }
}
