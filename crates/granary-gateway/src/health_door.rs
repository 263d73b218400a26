//! Health and metrics of a process that has no gateway: the routes that say them, and nothing else.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use granary_service::Health;
use granary_service::metrics::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::GatewayError;
use crate::problem::Problem;
use crate::request::accompany;
use crate::routes::health;

/// Where a role that runs by itself answers `/livez`, `/readyz` and `/metrics`, bound and not yet served.
#[derive(Debug)]
pub struct HealthDoor {
    listener: TcpListener,
    address: SocketAddr,
    routes: Router,
}

impl HealthDoor {
    /// Binds the address; nothing is answered yet. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// The address cannot be had.
    pub async fn bind(address: SocketAddr, health: Health, metrics: Registry) -> Result<Self, GatewayError> {
        let listen = |source| GatewayError::HealthDoor { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let routes = Router::new()
            .route("/livez", get(health::alive))
            .route("/readyz", get(health::ready_of))
            .route("/metrics", get(health::metrics_of))
            .fallback(async || Problem::not_found("there are /livez, /readyz and /metrics here"))
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
            .layer(axum::middleware::from_fn(accompany))
            .with_state((health, metrics));
        Ok(Self { listener, address, routes })
    }

    /// The address it is bound to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is told to stop.
    pub async fn serve(self, stop: CancellationToken) {
        let serving = axum::serve(self.listener, self.routes).into_future();
        tokio::select! {
            // It answers in no time and holds nothing, so there is nothing to wait for.
            () = stop.cancelled() => {}
            ended = serving => if let Err(error) = ended {
                tracing::warn!(%error, "health and metrics are answered no more");
            }
        }
    }
}
