//! Events with a name, as JSON, and which of them are stored.

use granary_testkit::TestWarehouse;
use reqwest::{Response, StatusCode};

use crate::receiver::Receiver;

/// A log record that is told from others by its name.
pub(crate) fn log(name: &str) -> String {
    at(name, 1_790_000_000_000_000_000)
}

/// The same at a time of its own.
pub(crate) fn at(name: &str, unix_nano: u64) -> String {
    format!(
        r#"{{"timeUnixNano":"{unix_nano}","body":{{"stringValue":"{name}"}},"attributes":[{{"key":"session.id","value":{{"stringValue":"s"}}}}]}}"#
    )
}

/// A request with some log records.
pub(crate) fn body_of(logs: &[String]) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, logs.join(","))
}

pub(crate) async fn send(receiver: &Receiver, logs: &[String]) -> Response {
    let body = body_of(logs);
    receiver.post("logs").header("Content-Type", "application/json").body(body).send().await.unwrap()
}

pub(crate) async fn send_ok(receiver: &Receiver, logs: &[String]) {
    let response = send(receiver, logs).await;
    let status = response.status();
    assert_eq!(status, StatusCode::OK, "{}", response.text().await.unwrap());
}

/// The names of the stored log records, sorted, each as often as it is there.
pub(crate) async fn logs_of(warehouse: &TestWarehouse) -> Vec<String> {
    warehouse.owner.query("SELECT Body FROM otel_logs ORDER BY Body").fetch_all().await.unwrap()
}
