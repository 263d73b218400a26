//! One question to one other receiver.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use granary_access::with_cause;
use granary_model::EventId;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use super::{door, message};
use crate::claims::Instance;
use crate::config::IngestConfig;

/// Asks in the name of one instance.
pub(super) struct Asker {
    pub(super) me: Instance,
    secret: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("{0}")]
    Unreachable(String),
    #[error("it answered {0}; ingest.peer_secret must be the same everywhere")]
    Secret(StatusCode),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("its answer cannot be read: {0}")]
    Malformed(Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

impl Asker {
    pub(super) fn new(config: &IngestConfig, me: Instance) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(config.peer_patience));
        let client = Client::builder(TokioExecutor::new())
            // Before the other's door closes it.
            .pool_idle_timeout(config.idle_timeout / 2)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { me, secret: config.peer_secret.clone(), client }
    }

    /// Who answers, and which of the events it denies.
    pub(super) async fn ask(
        &self,
        address: SocketAddr,
        ids: &[EventId],
        limit: Duration,
    ) -> Result<(Instance, Vec<EventId>), NoAnswer> {
        timeout(limit, self.exchange(address, ids)).await.unwrap_or(Err(NoAnswer::TimedOut(limit)))
    }

    async fn exchange(
        &self,
        address: SocketAddr,
        ids: &[EventId],
    ) -> Result<(Instance, Vec<EventId>), NoAnswer> {
        let mut request = Request::new(Full::new(message::question(self.me, ids)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("http://{address}{}", door::PATH).parse().map_err(malformed)?;
        if !self.secret.is_empty() {
            let value = HeaderValue::try_from(format!("Bearer {}", self.secret)).map_err(malformed)?;
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let response =
            self.client.request(request).await.map_err(|error| NoAnswer::Unreachable(with_cause(&error)))?;
        match response.status() {
            StatusCode::OK => {}
            status @ StatusCode::UNAUTHORIZED => return Err(NoAnswer::Secret(status)),
            status => return Err(NoAnswer::Status(status)),
        }
        let body = Limited::new(response.into_body(), message::answer_bytes(ids.len()));
        let body = body.collect().await.map_err(malformed)?.to_bytes();
        let (other, places) = message::read_answer(&body).ok_or_else(|| malformed("it is cut short"))?;
        let at = |place: u32| ids.get(place as usize).copied();
        let denied = places
            .map(|place| at(place).ok_or_else(|| malformed("it names an event that was not asked for")));
        Ok((other, denied.collect::<Result<_, _>>()?))
    }
}

fn malformed(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> NoAnswer {
    NoAnswer::Malformed(reason.into())
}
