//! Two engines that are the shards of one cluster.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use granary_clickhouse::{ClusterConfig, Warehouse};
use granary_engine::{ClusterOptions, Engine, EngineOptions, EngineState};

use crate::engine::{engine_options, prepared, scratch_dir, started};
use crate::{Replicas, TestWarehouse};

const NAME: &str = "two_shards";

/// A cluster of two shards without replicas.
#[derive(Debug)]
pub struct Shards {
    /// The first is whom one speaks to.
    pub engines: [Engine; 2],
}

/// A database that is shared out.
#[derive(Debug)]
pub struct ShardedWarehouse {
    /// The whole, by way of the first shard.
    pub whole: TestWarehouse,
    /// Each shard by itself, with all rights.
    pub shards: [Warehouse; 2],
}

impl Shards {
    /// Starts a cluster of a test's own, whose servers may be killed.
    pub async fn start(test: &'static str) -> Self {
        let natives: [SocketAddr; 2] = free_addresses();
        let options = |number: usize| EngineOptions {
            cluster: Some(ClusterOptions {
                name: NAME.to_owned(),
                secret: "of the tests".to_owned(),
                native: natives[number],
                shards: natives.to_vec(),
            }),
            max_memory_bytes: Some(2 << 30),
            ..engine_options(&scratch_dir(&format!("{test}-{number}")))
        };
        let (one, other) = tokio::join!(Engine::start(options(0)), Engine::start(options(1)));
        Self { engines: [one.expect("a shard starts"), other.expect("a shard starts")] }
    }

    /// Kills a shard as soon as it is up. It is started again by itself.
    pub async fn kill(&self, which: usize) {
        let engine = &self.engines[which];
        engine.state().wait_for(|state| *state == EngineState::Up).await.expect("the engine is watched");
        let process = engine.process_id().to_string();
        let killed = Command::new("kill").args(["-9", &process]).status().expect("there is a kill");
        assert!(killed.success(), "the engine's process is there");
    }

    /// Makes a database with all migrations applied on both.
    pub async fn warehouse(&self, test: &str) -> ShardedWarehouse {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let database = format!("test_{test}_sharded_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let hosts = self.engines.iter().map(|engine| format!("http://{}", engine.http())).collect();
        let cluster = ClusterConfig::plain(NAME, hosts);
        let url = format!("http://{}", self.engines[0].http());
        let whole = prepared(&self.engines[0], url, &database, Some(cluster)).await;
        self.with_shards(whole)
    }

    /// Makes a database of tables that are taken for replicated ones.
    pub async fn replicated(&self, test: &str) -> (ShardedWarehouse, Replicas) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let database = format!("test_{test}_replicated_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let cluster = ClusterConfig::replicated(NAME);
        let addresses = [0, 1].map(|shard: usize| self.engines[shard].http());
        let replicas = Replicas::start(addresses, cluster.clone()).await;
        let url = format!("http://{}", replicas.address);
        let whole = prepared(&self.engines[0], url, &database, Some(cluster)).await;
        (self.with_shards(whole), replicas)
    }

    fn with_shards(&self, whole: TestWarehouse) -> ShardedWarehouse {
        let shard = |engine: &Engine| {
            let url = format!("http://{}", engine.http());
            Warehouse::new(&granary_clickhouse::ClickHouseConfig {
                url,
                cluster: None,
                ..whole.owner_config.clone()
            })
        };
        let shards = [shard(&self.engines[0]), shard(&self.engines[1])];
        ShardedWarehouse { whole, shards }
    }
}

/// Makes a database on the test binary's two shards; the first call starts them.
pub async fn sharded_warehouse(test: &str) -> ShardedWarehouse {
    shared().await.warehouse(test).await
}

/// The same of tables that are taken for replicated ones; see [`Replicas`].
pub async fn replicated_warehouse(test: &str) -> (ShardedWarehouse, Replicas) {
    shared().await.replicated(test).await
}

async fn shared() -> &'static Shards {
    static SHARDS: OnceLock<Shards> = OnceLock::new();
    let start = || SHARDS.get_or_init(|| started(|| Shards::start("shared")));
    tokio::task::spawn_blocking(start).await.expect("the shards start")
}

/// Ports that were free a moment ago. The servers have to know one another's before any of them starts.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [0, 1].map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("the port is bound"))
}
