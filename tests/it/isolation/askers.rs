//! Somebody who asks a gateway over HTTP.

use std::num::NonZeroU32;

use granary_clickhouse::Warehouse;
use granary_gateway::{Catalogue, Gateway, GatewayConfig};
use granary_service::Health;
use granary_service::metrics::Registry;
use granary_testkit::TestWarehouse;
use reqwest::header::HeaderName;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::warehouses::Telemetry;

/// Status and text of an answer.
pub(crate) type Answer = (StatusCode, String);

pub(crate) struct Asker {
    base: String,
    token: String,
    client: Client,
    _stop: Option<DropGuard>,
}

impl Asker {
    /// Somebody with a key, and a gateway over a warehouse for them.
    pub(crate) async fn over(warehouse: &TestWarehouse, telemetry: &Telemetry, token: &str) -> Self {
        let many = NonZeroU32::new(1_000_000).unwrap();
        let config = GatewayConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            keys_file: telemetry.keys_file(),
            requests_per_second: many,
            burst: many,
            ..GatewayConfig::default()
        };
        let reader = Warehouse::new(&warehouse.reader_config);
        let catalogue = Catalogue::embedded().unwrap();
        let gateway =
            Gateway::bind(config, reader, None, Health::default(), Registry::default(), catalogue).await;
        let gateway = gateway.unwrap();
        let base = format!("http://{}/v1/queries", gateway.local_addr());
        let stop = CancellationToken::new();
        tokio::spawn(gateway.serve(stop.clone()));
        Self { base, token: token.to_owned(), client: Client::new(), _stop: Some(stop.drop_guard()) }
    }

    /// Somebody else at the same gateway, which lasts as long as this one.
    pub(crate) fn with(&self, token: &str) -> Self {
        Self { base: self.base.clone(), token: token.to_owned(), client: self.client.clone(), _stop: None }
    }

    pub(crate) async fn ask(&self, question: &str) -> Answer {
        self.ask_with(question, &[]).await
    }

    pub(crate) async fn ask_with(&self, question: &str, headers: &[(&'static str, &str)]) -> Answer {
        let lower = |name: &str| HeaderName::try_from(name).unwrap();
        let headers = headers.iter().map(|(name, value)| (lower(name), value.parse().unwrap()));
        let request = self.client.get(format!("{}/{question}", self.base)).bearer_auth(&self.token);
        let answer = request.headers(headers.collect()).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Asks with those headers and no key.
    pub(crate) async fn ask_as(&self, headers: &[(&'static str, String)]) -> Answer {
        let mut request = self.client.get(&self.base);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

/// Where two answers say different things. Sums of floats and approximate quantiles may differ by how the rows happened
/// to be grouped.
pub(crate) fn differs(one: &str, other: &str) -> Option<String> {
    let lines =
        |text: &str| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let (one, other) = (lines(one), lines(other));
    if one.len() != other.len() {
        return Some(format!("{} rows and not {}", one.len(), other.len()));
    }
    one.iter()
        .zip(&other)
        .find(|(one, other)| !alike(one, other))
        .map(|(one, other)| format!("{one}\n    {other}"))
}

fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && alike(one.1, other.1))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0),
            _ => one == other,
        },
        _ => one == other,
    }
}
