//! Start, death, restart, stop.

use granary_clickhouse::{ClickHouseConfig, Warehouse};
use granary_engine::{Credentials, Engine, EngineError, EngineState};
use granary_testkit::engine_options;

fn connect(engine: &Engine, credentials: &Credentials) -> Warehouse {
    Warehouse::new(&ClickHouseConfig {
        url: format!("http://{}", engine.http()),
        user: credentials.user.clone(),
        password: credentials.password.clone(),
        database: "default".to_owned(),
        ..ClickHouseConfig::default()
    })
}

fn kill(process_id: u32) {
    let id = rustix::process::Pid::from_raw(i32::try_from(process_id).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_killed_engine_is_started_again_with_its_data_address_and_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(engine_options(dir.path())).await.unwrap();
    let owner = connect(&engine, engine.owner());
    owner.execute("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n").await.unwrap();
    owner.execute("INSERT INTO t SELECT number FROM numbers(1000)").await.unwrap();

    let first = engine.process_id();
    let mut state = engine.state();
    kill(first);
    state.wait_for(|state| *state == EngineState::Restarting).await.unwrap();
    state.wait_for(|state| *state == EngineState::Up).await.unwrap();

    assert_ne!(engine.process_id(), first);
    assert_eq!(owner.query("SELECT sum(n) FROM t").fetch_one::<u64>().await.unwrap(), 499_500);
    engine.stop().await;
}

#[tokio::test]
async fn a_stopped_engine_leaves_its_data_to_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(engine_options(dir.path())).await.unwrap();
    let owner = connect(&engine, engine.owner());
    owner.execute("CREATE TABLE t ENGINE = MergeTree ORDER BY () AS SELECT 7 AS n").await.unwrap();
    let state = engine.state();
    engine.stop().await;
    assert_eq!(*state.borrow(), EngineState::Stopped);
    assert!(owner.ping().await.is_err());

    let engine = Engine::start(engine_options(dir.path())).await.unwrap();
    let owner = connect(&engine, engine.owner());
    assert_eq!(owner.query("SELECT n FROM t").fetch_one::<u8>().await.unwrap(), 7);
    engine.stop().await;
}

#[tokio::test]
async fn two_engines_on_one_folder_are_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let first = Engine::start(engine_options(dir.path())).await.unwrap();
    let second = Engine::start(engine_options(dir.path())).await.unwrap_err();
    let text = second.to_string();
    assert!(matches!(second, EngineError::Start { .. }), "{text}");
    assert!(text.contains("status") || text.contains("lock"), "{text}");
    first.stop().await;
}

#[tokio::test]
async fn a_taken_port_and_a_wide_address_are_refused_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = engine_options(dir.path());
    options.http = taken.local_addr().unwrap();
    assert!(matches!(Engine::start(options.clone()).await, Err(EngineError::Address { .. })));
    options.http = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(Engine::start(options).await, Err(EngineError::NotLoopback { .. })));
}

#[tokio::test]
async fn a_library_that_is_none_is_named_in_the_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = engine_options(dir.path());
    options.library = dir.path().join("libchdb.so");
    std::fs::write(&options.library, "not a library").unwrap();
    let error = Engine::start(options).await.unwrap_err().to_string();
    assert!(error.contains("libchdb.so"), "{error}");
}
