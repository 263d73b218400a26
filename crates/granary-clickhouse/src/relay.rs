//! Passes a statement of somebody else's on to ClickHouse, and its answer back as it comes.
//!
//! Everywhere else a statement is ours and only its parameters come from outside. Here all of it does, so it must be
//! sent as a user who may do no harm; see [`crate::publish`].

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use url::Url;

use crate::ClickHouseConfig;

const USER: HeaderName = HeaderName::from_static("x-clickhouse-user");
const KEY: HeaderName = HeaderName::from_static("x-clickhouse-key");

/// How long an unused connection is kept: less than the three seconds after which ClickHouse closes one by default
/// (`keep_alive_timeout`), so that no statement is sent into a connection that is being closed.
const IDLE: Duration = Duration::from_secs(2);

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A way to ClickHouse's HTTP interface as one user. Clones share their connections.
#[derive(Clone)]
pub struct Relay {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    config: ClickHouseConfig,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("user", &self.config.user).finish_non_exhaustive()
    }
}

/// A statement cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Address, user or password are not what they must be.
    #[error("{url} with user {user} is no way to ClickHouse: {reason}")]
    Address {
        /// The address.
        url: String,
        /// The user.
        user: String,
        /// What is wrong.
        reason: String,
    },
    /// ClickHouse is not there, or hung up before it answered.
    #[error("ClickHouse cannot be reached: {source}")]
    Unreachable {
        /// What the connection said.
        source: hyper_util::client::legacy::Error,
    },
}

impl Relay {
    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The system's certificates cannot be read.
    pub fn new(config: &ClickHouseConfig) -> Result<Self, RelayError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(aws_lc_rs::default_provider())
            .map_err(|error| wrong(config, &error))?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, config: config.clone() })
    }

    /// The database that unqualified names mean.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.config.database
    }

    /// Sends a statement. `parameters` go into the address, next to the database; `headers` go along but for
    /// user and password. The answer's body comes as ClickHouse makes it; dropping it ends the statement, if the user's
    /// settings say so.
    ///
    /// # Errors
    ///
    /// There is no answer. An answer that says no is an answer.
    pub async fn send(
        &self,
        parameters: &[(String, String)],
        headers: HeaderMap,
        statement: Bytes,
    ) -> Result<Response<Incoming>, RelayError> {
        let config = &self.config;
        let mut url = Url::parse(&config.url).map_err(|error| wrong(config, &error))?;
        url.query_pairs_mut()
            .clear()
            .append_pair("database", &config.database)
            .extend_pairs(parameters.iter().map(|(name, value)| (name, value)));
        let uri: Uri = url.as_str().parse().map_err(|error| wrong(config, &error))?;
        let text = |text: &str| HeaderValue::try_from(text).map_err(|error| wrong(config, &error));
        let mut request = Request::new(Full::new(statement));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.headers_mut().remove(AUTHORIZATION);
        request.headers_mut().insert(USER, text(&config.user)?);
        request.headers_mut().insert(KEY, text(&config.password)?);
        self.client.request(request).await.map_err(|source| RelayError::Unreachable { source })
    }
}

fn wrong(config: &ClickHouseConfig, reason: &dyn std::fmt::Display) -> RelayError {
    RelayError::Address { url: config.url.clone(), user: config.user.clone(), reason: reason.to_string() }
}
