//! Who is let in: keys, certificates and the sites whose pages may ask, and whether they suit the address.

use std::sync::Arc;
use std::time::Duration;

use granary_access::{Gate, GateConfig, Tls, TlsFiles, Watch, Watched};
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::{GatewayConfig, GatewayError};

/// How long a browser may remember what it was allowed.
const CORS_MAX_AGE: Duration = Duration::from_hours(1);

/// What the gateway asks of who comes in.
pub(crate) struct Entrance {
    pub(crate) gate: Gate,
    pub(crate) origins: Vec<HeaderValue>,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) watch: Watch,
}

impl Entrance {
    /// Reads keys and certificates, and looks whether they suit the address.
    pub(crate) fn open(config: &GatewayConfig) -> Result<Self, GatewayError> {
        let mut watch = Watch::default();
        let of_gate = GateConfig {
            keys_file: config.keys_file.clone(),
            loopback_without_key: config.loopback_without_key,
            hosts: config.hosts.clone(),
            jwt: config.jwt.clone(),
        };
        let gate = Gate::open(&of_gate, &mut watch)?;
        let files = TlsFiles {
            section: "gateway",
            cert: config.tls_cert.clone(),
            key: config.tls_key.clone(),
            client_ca: config.tls_client_ca.clone(),
        };
        let watched = Watched::look(files.paths());
        let tls = Tls::open(files)?.map(Arc::new);
        if let Some(tls) = tls.clone() {
            watch.on_change(watched, move || match tls.reload() {
                Ok(()) => tracing::info!("the gateway's certificates were read again"),
                Err(error) => tracing::error!(%error, "the certificates that were in force stay so"),
            });
        }
        if !is_loopback(config) && !gate.knows_somebody() {
            let keys_file = config.keys_file.clone();
            return Err(GatewayError::NoKeys { address: config.listen, keys_file });
        }
        let origins = config.cors_origins.iter().map(|origin| site(origin)).collect::<Result<_, _>>()?;
        Ok(Self { gate, origins, tls, watch })
    }

    /// Tells of what is allowed and is hardly meant.
    pub(crate) fn warn(&self, config: &GatewayConfig) {
        if self.tls.is_none() && !is_loopback(config) {
            tracing::warn!(address = %config.listen, "the gateway is served without TLS: keys and answers can be read on the way");
        }
        if self.gate.asks() && !self.gate.lets_somebody_ask() {
            tracing::warn!(
                path = %config.keys_file.display(),
                "no valid key may ask: `granary keys create --role analyst` makes one that may"
            );
        }
    }
}

fn is_loopback(config: &GatewayConfig) -> bool {
    config.listen.ip().to_canonical().is_loopback()
}

/// A site as browsers name it.
fn site(origin: &str) -> Result<HeaderValue, GatewayError> {
    let wrong = || GatewayError::Origin { origin: origin.to_owned() };
    let url = Url::parse(origin).map_err(|_| wrong())?;
    // A page says `null` for what has no site, and whoever wants to can be such a page.
    let as_browsers_do = url.origin().ascii_serialization();
    if as_browsers_do != origin || origin.contains('*') || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
    HeaderValue::try_from(origin).map_err(|_| wrong())
}

/// What pages of the allowed sites may do: ask with a key of theirs. A browser's own credentials are not let through.
pub(crate) fn cors(origins: &[HeaderValue]) -> CorsLayer {
    if origins.is_empty() {
        return CorsLayer::new();
    }
    let named =
        |names: &[&'static str]| names.iter().map(|name| HeaderName::from_static(name)).collect::<Vec<_>>();
    let mut asked = named(&["x-api-key", "last-event-id", "mcp-session-id", "mcp-protocol-version"]);
    asked.extend([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH, header::RANGE]);
    let mut shown = named(&["x-request-id", "ratelimit", "ratelimit-policy", "x-cache", "mcp-session-id"]);
    shown.extend([header::ETAG, header::AGE, header::RETRY_AFTER, header::CONTENT_RANGE, header::LINK]);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers(asked)
        .expose_headers(shown)
        .max_age(CORS_MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_would_say_is_a_site() {
        for good in ["https://grafana.example", "http://localhost:3000", "https://xn--bcher-kva.example:8443"]
        {
            assert_eq!(site(good).unwrap(), good);
        }
        for wrong in [
            "*",
            "null",
            "",
            "grafana.example",
            "https://a.example/",
            "https://a.example/x",
            "https://A.example",
            "https://a.example:443",
            "file:///x",
            "https://*.example",
        ] {
            assert!(site(wrong).is_err(), "{wrong}");
        }
    }
}
