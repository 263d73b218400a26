//! One ClickHouse as one user: statements, queries and whether it is there.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clickhouse::{Client, Compression};

use crate::{ClickHouseConfig, ClickHouseError, Query, cluster};

/// A connection to the warehouse's ClickHouse. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Warehouse {
    client: Client,
    pub(crate) config: Arc<ClickHouseConfig>,
    is_on_this_machine: bool,
}

impl std::fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warehouse").field("database", &self.config.database).finish_non_exhaustive()
    }
}

impl Warehouse {
    /// Makes the client; nothing is sent yet.
    #[must_use]
    pub fn new(config: &ClickHouseConfig) -> Self {
        let mut client = Client::default()
            .with_url(&config.url)
            .with_user(&config.user)
            .with_password(&config.password)
            .with_database(&config.database)
            .with_product_info("granary", env!("CARGO_PKG_VERSION"));
        if config.cluster.is_some() {
            for (name, value) in cluster::SETTINGS {
                client = client.with_setting(name, value);
            }
        }
        // An address that cannot be read is the client's to refuse.
        let authority = config.url.split("://").nth(1).unwrap_or_default();
        let is_on_this_machine =
            ["127.", "localhost", "[::1]"].iter().any(|host| authority.starts_with(host));
        Self { client, config: Arc::new(config.clone()), is_on_this_machine }
    }

    /// The database that unqualified table names mean.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.config.database
    }

    /// A query whose `{name:Type}` placeholders are bound by the server: see [`Query::param`].
    ///
    /// `sql` is one of ours; no part of it may come from a caller.
    pub fn query(&self, sql: &str) -> Query {
        self.client.query_raw(sql)
    }

    /// Runs a statement that answers with nothing.
    pub async fn execute(&self, sql: &str) -> Result<(), ClickHouseError> {
        self.within_timeout(async { Ok(self.query(sql).execute().await?) }).await
    }

    /// Whether the server answers this user. Does not need the database to be there.
    pub async fn ping(&self) -> Result<(), ClickHouseError> {
        let client = self.client.clone().with_database("system");
        self.within_timeout(async { Ok(client.query_raw("SELECT 1").fetch_one::<u8>().await.map(drop)?) })
            .await
    }

    /// The same ClickHouse, without a database in place: to make the database itself.
    pub(crate) fn without_database(&self) -> Client {
        self.client.clone().with_database("system")
    }

    /// The client as inserts use it: bodies go out as they are, since they are compressed already.
    pub(crate) fn for_inserts(&self) -> Client {
        self.client.clone().with_compression(Compression::None)
    }

    /// Whether the address is the loopback's.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        self.is_on_this_machine
    }

    /// How long one statement may take.
    pub fn timeout(&self) -> Duration {
        self.config.timeout
    }

    pub(crate) async fn within_timeout<T>(
        &self,
        statement: impl Future<Output = Result<T, ClickHouseError>>,
    ) -> Result<T, ClickHouseError> {
        tokio::time::timeout(self.timeout(), statement)
            .await
            .unwrap_or(Err(ClickHouseError::TimedOut { after: self.timeout() }))
    }
}
