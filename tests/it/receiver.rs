//! A receiving role on free ports over a database of its own.

use std::net::SocketAddr;

use granary_clickhouse::Warehouse;
use granary_ingest::{Accounting, Ingest, IngestConfig};
use granary_model::Signal;
use granary_redact::{RedactConfig, Redactor};
use granary_service::metrics::Registry;
use granary_testkit::TestWarehouse;
use reqwest::{Client, RequestBuilder, StatusCode};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::capture::CapturedRequest;

pub(crate) struct Receiver {
    pub(crate) warehouse: TestWarehouse,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) accounting: Accounting,
    /// The write-ahead log.
    pub(crate) wal: tempfile::TempDir,
    registry: Registry,
    client: Client,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

pub(crate) fn config() -> IngestConfig {
    let free: SocketAddr = ([127, 0, 0, 1], 0).into();
    IngestConfig {
        http: free,
        grpc: free,
        commit_interval: std::time::Duration::from_millis(2),
        insert_interval: std::time::Duration::from_millis(5),
        ..IngestConfig::default()
    }
}

impl Receiver {
    pub(crate) async fn start(test: &str) -> Self {
        Self::start_with(test, config()).await
    }

    pub(crate) async fn start_with(test: &str, config: IngestConfig) -> Self {
        let warehouse = granary_testkit::warehouse(test).await;
        let owner = warehouse.owner.clone();
        Self::start_on(warehouse, owner, config).await
    }

    pub(crate) async fn start_on(warehouse: TestWarehouse, into: Warehouse, config: IngestConfig) -> Self {
        Self::start_at(warehouse, into, tempfile::tempdir().unwrap(), config).await
    }

    pub(crate) async fn start_at(
        warehouse: TestWarehouse,
        into: Warehouse,
        wal: tempfile::TempDir,
        config: IngestConfig,
    ) -> Self {
        let redactor = Redactor::new(&RedactConfig::default()).unwrap();
        let config = IngestConfig { wal_dir: wal.path().to_owned(), ..config };
        let registry = Registry::default();
        let ready = CancellationToken::new();
        ready.cancel();
        let ingest = Ingest::bind(&config, into, redactor, &registry, ready).await.unwrap();
        let (http, grpc, accounting) = (ingest.http_addr(), ingest.grpc_addr(), ingest.accounting());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(ingest.serve(stop.clone()));
        Self { warehouse, http, grpc, accounting, wal, registry, client: Client::new(), stop, serving }
    }

    /// All metrics as they are now.
    pub(crate) fn metrics(&self) -> String {
        self.registry.encode()
    }

    /// A POST to a signal's route; the test adds body and headers.
    pub(crate) fn post(&self, signal: &str) -> RequestBuilder {
        self.client.post(format!("http://{}/v1/{signal}", self.http))
    }

    /// Sends what was captured, each request in its own encoding, and has all of it taken.
    pub(crate) async fn send_captured(&self, requests: impl IntoIterator<Item = CapturedRequest>) {
        for CapturedRequest { signal, is_json, body } in requests {
            let content_type = if is_json { "application/json" } else { "application/x-protobuf" };
            let sent =
                self.post(&signal).header("Content-Type", content_type).body(body).send().await.unwrap();
            assert_eq!(sent.status(), StatusCode::OK);
        }
    }

    /// Stops in order; what the warehouse does not take stays in the log.
    pub(crate) async fn abandon(self) -> (TestWarehouse, tempfile::TempDir) {
        self.stop.cancel();
        self.serving.await.unwrap();
        (self.warehouse, self.wal)
    }

    /// Stops in order and checks the law that everything received has a fate.
    pub(crate) async fn finish(self) -> TestWarehouse {
        self.stop.cancel();
        self.serving.await.unwrap();
        for signal in Signal::ALL {
            let counts = self.accounting.of(signal);
            assert!(counts.balance() && counts.waiting == 0, "{signal}: {counts:?}");
        }
        self.warehouse
    }
}

/// Waits for a condition that comes by itself; a test that waits longer than two minutes has failed.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    let come_about = async {
        while !holds().await {
            ticks.tick().await;
        }
    };
    let limit = std::time::Duration::from_mins(2);
    tokio::time::timeout(limit, come_about).await.unwrap_or_else(|_| panic!("{what} did not come about"));
}
