//! A secret in any field of any signal is in no byte of the log and in no column of a table.

use granary_clickhouse::TABLES;
use granary_model::Signal;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::receiver::Receiver;

/// Makes secrets, each like no other, and remembers them.
struct Planter(Vec<String>);

impl Planter {
    /// Put together here, so that no scanner takes this file for a leak.
    fn secret(&mut self) -> String {
        let number = self.0.len();
        let secret = match number % 3 {
            0 => format!("sk-ant-api03-{number:04}{}", "Qz7".repeat(12)),
            1 => format!("ghp_{number:04}{}", "k9Xw".repeat(8)),
            _ => format!("AKIA{number:04}{}", "QZ7K".repeat(3)),
        };
        self.0.push(secret.clone());
        secret
    }

    fn text(&mut self) -> Value {
        json!({ "stringValue": format!("before {} after", self.secret()) })
    }

    fn attributes(&mut self) -> Value {
        let nested = json!({ "command": format!("export KEY={}", self.secret()) }).to_string();
        json!([
            { "key": "session.id", "value": { "stringValue": "s" } },
            { "key": "plain", "value": self.text() },
            { "key": "tool_parameters", "value": { "stringValue": nested } },
            { "key": "list", "value": { "arrayValue": { "values": [self.text(), { "intValue": "1" }] } } },
            { "key": "map", "value": { "kvlistValue": { "values": [{ "key": "inner", "value": self.text() }] } } },
            { "key": format!("key-{}", self.secret()), "value": { "stringValue": "x" } },
        ])
    }

    fn resource(&mut self) -> Value {
        json!({ "attributes": self.attributes() })
    }

    fn scope(&mut self) -> Value {
        json!({ "name": self.secret(), "version": self.secret(), "attributes": self.attributes() })
    }

    fn body(&mut self, signal: Signal) -> Value {
        const TIME: &str = "1790000000000000000";
        let (trace, span) = ("0102030405060708090a0b0c0d0e0f10", "0102030405060708");
        match signal {
            Signal::Logs => json!({ "resourceLogs": [{
                "resource": self.resource(), "schemaUrl": self.secret(),
                "scopeLogs": [{ "scope": self.scope(), "schemaUrl": self.secret(), "logRecords": [
                    { "timeUnixNano": TIME, "body": self.text(), "severityText": self.secret(),
                      "eventName": self.secret(), "attributes": self.attributes() },
                    { "timeUnixNano": TIME, "attributes": [], "body": { "kvlistValue": { "values":
                        [{ "key": "deep", "value": { "arrayValue": { "values": [self.text()] } } }] } } },
                ] }],
            }] }),
            Signal::Traces => json!({ "resourceSpans": [{
                "resource": self.resource(),
                "scopeSpans": [{ "scope": self.scope(), "spans": [{
                    "traceId": trace, "spanId": span, "name": self.secret(), "traceState": self.secret(),
                    "startTimeUnixNano": TIME, "endTimeUnixNano": TIME, "attributes": self.attributes(),
                    "status": { "code": 2, "message": self.secret() },
                    "events": [{ "timeUnixNano": TIME, "name": self.secret(), "attributes": self.attributes() }],
                    "links": [{ "traceId": trace, "spanId": span, "traceState": self.secret(),
                                "attributes": self.attributes() }],
                }] }],
            }] }),
            Signal::Metrics => {
                let mut point = |more: Value| {
                    let mut point = json!({ "timeUnixNano": TIME, "attributes": self.attributes() });
                    let exemplar = json!({ "timeUnixNano": TIME, "asInt": "1", "filteredAttributes": self.attributes() });
                    let fields = point.as_object_mut().unwrap();
                    fields.extend(more.as_object().unwrap().clone());
                    if !fields.contains_key("quantileValues") {
                        fields.insert("exemplars".to_owned(), json!([exemplar]));
                    }
                    json!({ "dataPoints": [point], "aggregationTemporality": 1 })
                };
                let mut kinds = vec![
                    json!({ "sum": point(json!({ "asInt": "1" })) }),
                    json!({ "histogram": point(json!({ "count": "1", "bucketCounts": ["1"] })) }),
                    json!({ "exponentialHistogram": point(json!({ "count": "1", "scale": 1 })) }),
                ];
                let mut gauge = point(json!({ "asDouble": 1.5 }));
                gauge.as_object_mut().unwrap().remove("aggregationTemporality");
                kinds.push(json!({ "gauge": gauge }));
                let mut summary = point(json!({ "count": "1", "quantileValues": [] }));
                summary.as_object_mut().unwrap().remove("aggregationTemporality");
                kinds.push(json!({ "summary": summary }));
                for kind in &mut kinds {
                    let fields = kind.as_object_mut().unwrap();
                    for field in ["name", "description", "unit"] {
                        fields.insert(field.to_owned(), self.secret().into());
                    }
                }
                json!({ "resourceMetrics": [{
                    "resource": self.resource(), "scopeMetrics": [{ "scope": self.scope(), "metrics": kinds }],
                }] })
            }
        }
    }
}

#[tokio::test]
async fn a_secret_in_any_field_is_in_no_byte_of_the_log_and_in_no_column() {
    let receiver = Receiver::start("secrets").await;
    let mut planter = Planter(Vec::new());
    for signal in Signal::ALL {
        let body = planter.body(signal).to_string();
        let sent = receiver
            .post(signal.name())
            .header("Content-Type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        let status = sent.status();
        let answer = sent.text().await.unwrap();
        assert_eq!(
            (status, answer.contains("partialSuccess")),
            (StatusCode::OK, false),
            "{signal}: {answer}"
        );
    }
    assert!(planter.0.len() > 100, "{}", planter.0.len());
    receiver.accounting.settled().await;

    let points = receiver.accounting.of(Signal::Metrics);
    assert_eq!(points.stored, 5, "{points:?}");
    let mut log = Vec::new();
    for entry in std::fs::read_dir(receiver.wal.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            log.extend(std::fs::read(path).unwrap());
        }
    }
    let in_log = |text: &str| log.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(in_log("after"), "what stands beside a secret is there");
    for secret in &planter.0 {
        // The compressor may have cut a text in two; a part is as telling.
        assert!(!in_log(secret) && !in_log(&secret[4..20]), "{secret} is in the log");
    }

    let warehouse = receiver.finish().await;
    for table in TABLES {
        let rows: String = warehouse
            .owner
            .query(&format!("SELECT arrayStringConcat(groupArray(toString(tuple(*)))) FROM {table}"))
            .fetch_one()
            .await
            .unwrap();
        assert!(!rows.is_empty(), "{table} has a row");
        for secret in &planter.0 {
            assert!(!rows.contains(&secret[4..20]), "{secret} is in {table}: {rows}");
        }
    }
}
