//! One engine per test binary, one database per test.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use granary_clickhouse::{ClickHouseConfig, ClusterConfig, Warehouse, migrate};
use granary_engine::{ChildCommand, Engine, EngineOptions, library};

const CHILD_MARK: &str = "GRANARY_TEST_ENGINE_CHILD";

/// What a guest's query may take in tests.
pub const GUEST_BOUNDS: [(&str, u64); 5] = [
    ("max_execution_time", 30),
    ("max_result_rows", 1_000_000),
    ("max_result_bytes", 1 << 30),
    ("max_rows_to_read", 2_000_000_000),
    ("max_memory_usage", 2 << 30),
];

/// Serves as the engine's process if this process was started to be it; see [`crate::engine_child!`].
pub fn run_engine_child_if_asked() {
    #[expect(clippy::disallowed_methods, reason = "how a process of the test harness can be told what it is")]
    if std::env::var_os(CHILD_MARK).is_some() {
        granary_engine::child::run().expect("the engine runs until it is told to end");
        std::process::exit(0);
    }
}

/// Options for an engine of a test's own, with its data in `data_dir`.
#[must_use]
pub fn engine_options(data_dir: &Path) -> EngineOptions {
    let cache = dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("granary");
    EngineOptions {
        library: library::find_or_fetch(None, &cache, &mut |_| {})
            .expect("the engine's library can be fetched"),
        data_dir: data_dir.to_owned(),
        http: ([127, 0, 0, 1], 0).into(),
        readable_databases: vec!["otel".to_owned(), "test*".to_owned()],
        published_databases: vec!["published*".to_owned()],
        guest_bounds: GUEST_BOUNDS.to_vec(),
        max_memory_bytes: Some(4 << 30),
        cluster: None,
        child: ChildCommand {
            program: std::env::current_exe().expect("the test binary knows itself"),
            arguments: ["engine_child", "--exact", "--nocapture"].map(Into::into).to_vec(),
            environment: vec![(CHILD_MARK.into(), "1".into())],
        },
    }
}

/// A database of a test's own with all migrations applied.
#[derive(Debug, Clone)]
pub struct TestWarehouse {
    /// With all rights.
    pub owner: Warehouse,
    /// The owner's configuration.
    pub owner_config: ClickHouseConfig,
    /// The configuration of the user that may only read.
    pub reader_config: ClickHouseConfig,
    /// The configuration of the user for other people's statements, with the database of what is published.
    pub guest_config: ClickHouseConfig,
    /// The configuration of the user that may only add to the audit.
    pub auditor_config: ClickHouseConfig,
}

/// Makes a database on the test binary's engine; the first call starts the engine.
pub async fn warehouse(test: &str) -> TestWarehouse {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let engine = tokio::task::spawn_blocking(shared_engine).await.expect("the engine starts");
    let database = format!("test_{test}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    prepared(engine, format!("http://{}", engine.http()), &database, None).await
}

/// A database of this name, with all migrations applied.
pub(crate) async fn prepared(
    engine: &Engine,
    url: String,
    database: &str,
    cluster: Option<ClusterConfig>,
) -> TestWarehouse {
    let config = |credentials: &granary_engine::Credentials| ClickHouseConfig {
        url: url.clone(),
        user: credentials.user.clone(),
        password: credentials.password.clone(),
        database: database.to_owned(),
        cluster: cluster.clone().map(Box::new),
        ..ClickHouseConfig::default()
    };
    let owner_config = config(engine.owner());
    let owner = Warehouse::new(&owner_config);
    migrate::apply(&owner).await.expect("the migrations apply to an empty database");
    // A guest's settings are those of its profile, also in a cluster.
    let guest_config = ClickHouseConfig {
        database: format!("published_{database}"),
        cluster: None,
        ..config(engine.guest())
    };
    let (reader_config, auditor_config) = (config(engine.reader()), config(engine.auditor()));
    TestWarehouse { owner, owner_config, reader_config, guest_config, auditor_config }
}

fn shared_engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let data_dir = scratch_dir("engine");
        started(move || Engine::start(engine_options(&data_dir))).expect("the engine starts")
    })
}

/// What a runtime of its own starts and keeps: a shared engine outlives the runtime of the test that happens to start it.
pub(crate) fn started<T: Send + 'static, F: Future<Output = T>>(
    start: impl FnOnce() -> F + Send + 'static,
) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::Builder::new()
        .name("test-engine".to_owned())
        .spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            sender.send(runtime.block_on(start())).expect("somebody waits for the engine");
            runtime.block_on(std::future::pending::<()>());
        })
        .expect("a thread for the engine");
    receiver.recv().expect("the engine's thread answers")
}

/// A folder named after this process; folders of processes that are gone are removed first, since a test
/// binary ends without running what would remove its own.
pub(crate) fn scratch_dir(name: &str) -> PathBuf {
    let base = std::env::temp_dir().join("granary-tests");
    for entry in std::fs::read_dir(&base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !Path::new("/proc").join(&name).exists() {
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
    let dir = base.join(std::process::id().to_string()).join(name);
    std::fs::create_dir_all(&dir).expect("a folder for the engine's data");
    dir
}
