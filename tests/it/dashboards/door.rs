//! The gateway's door for BI tools, as Grafana's data source comes to it: with a key as the password.

use std::num::NonZeroU32;

use granary_access::{NewKey, Role, Token};
use granary_clickhouse::{Warehouse, publish};
use granary_gateway::{Catalogue, Gateway, GatewayConfig};
use granary_service::Health;
use granary_service::metrics::Registry;
use granary_testkit::TestWarehouse;
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::isolation::add_key;

pub(super) struct Door {
    url: String,
    database: String,
    keys: [(&'static str, Token); 2],
    client: Client,
    _stop: DropGuard,
    /// With the file of keys, which the gateway looks at again and again.
    _dir: TempDir,
}

/// What came back: names, types, and rows.
#[derive(Debug)]
pub(super) struct Answer(String);

/// The tenants that there are keys of.
const TENANTS: [&str; 2] = ["default", "other"];

impl Door {
    pub(super) async fn open(warehouse: &TestWarehouse) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys_file = dir.path().join("keys.toml");
        let analyst =
            |tenant: &str| NewKey { tenant: tenant.to_owned(), role: Role::Analyst, ..NewKey::default() };
        let keys = TENANTS.map(|tenant| (tenant, add_key(&keys_file, analyst(tenant))));
        let many = NonZeroU32::new(1_000_000).unwrap();
        let config = GatewayConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            keys_file,
            requests_per_second: many,
            burst: many,
            ..GatewayConfig::default()
        };
        let database = warehouse.guest_config.database.clone();
        publish::publish(&warehouse.owner, &database).await.unwrap();
        let reader = Warehouse::new(&warehouse.reader_config);
        let catalogue = Catalogue::embedded().unwrap();
        let gateway =
            Gateway::bind(config, reader, None, Health::default(), Registry::default(), catalogue).await;
        let gateway = gateway.unwrap().with_guest(&warehouse.guest_config).unwrap();
        let url = format!("http://{}/clickhouse", gateway.local_addr());
        let stop = CancellationToken::new();
        tokio::spawn(gateway.serve(stop.clone()));
        Self { url, database, keys, client: Client::new(), _stop: stop.drop_guard(), _dir: dir }
    }

    /// Asks with the first tenant's key; an error is what the door said.
    pub(super) async fn ask(&self, sql: &str) -> Result<Answer, String> {
        self.ask_of(TENANTS[0], sql).await
    }

    /// Asks with a tenant's key.
    pub(super) async fn ask_of(&self, tenant: &str, sql: &str) -> Result<Answer, String> {
        let format = ("default_format", "JSONCompactEachRowWithNamesAndTypes");
        let (_, key) = self.keys.iter().find(|(of, _)| *of == tenant).unwrap();
        let answer = self
            .client
            .post(&self.url)
            .query(&[("database", self.database.as_str()), format])
            .basic_auth("granary", Some(key.reveal()))
            .body(sql.to_owned())
            .send()
            .await
            .unwrap();
        let is_success = answer.status().is_success();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if is_success { Ok(Answer(text)) } else { Err(text) }
    }
}

impl Answer {
    /// A line for the names, one for the types, and one for each row.
    pub(super) fn lines(&self) -> String {
        self.0.clone()
    }

    fn values(&self) -> impl Iterator<Item = Value> + '_ {
        self.0.lines().map(|line| serde_json::from_str(line).unwrap())
    }

    pub(super) fn rows(&self) -> Vec<Value> {
        self.values().skip(2).collect()
    }

    pub(super) fn has_rows(&self) -> bool {
        self.values().nth(2).is_some()
    }

    /// Something that can be seen: a row with a number that is not 0 or, without numbers, any row.
    pub(super) fn shows_something(&self) -> bool {
        let is_number = |kind: &str| ["Int", "Float", "Decimal"].iter().any(|name| kind.contains(name));
        let types = self.values().nth(1).unwrap();
        let numbers: Vec<usize> = types
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .filter_map(|(place, kind)| is_number(kind.as_str().unwrap()).then_some(place))
            .collect();
        let seen = |value: &Value| match value {
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(number) => number != "0",
            _ => false,
        };
        self.rows().iter().any(|row| numbers.is_empty() || numbers.iter().any(|place| seen(&row[*place])))
    }
}
