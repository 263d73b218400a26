//! The child's life: start, watch, start again, stop.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rand::RngExt as _;
use rand::distr::Alphanumeric;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::EngineError;
use crate::child::ChildSpec;
use crate::configuration::{Configuration, sha256_hex};
use crate::http::{end_keep_alive, ping};

/// How to start a process that calls [`crate::child::run`] and nothing else.
#[derive(Debug, Clone)]
pub struct ChildCommand {
    /// The program, usually this very one.
    pub program: PathBuf,
    /// What makes it call [`crate::child::run`].
    pub arguments: Vec<OsString>,
    /// Environment variables it needs besides.
    pub environment: Vec<(OsString, OsString)>,
}

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The library, from [`crate::library::find_or_fetch`].
    pub library: PathBuf,
    /// The folder for the engine's data, configuration and output. One engine at a time.
    pub data_dir: PathBuf,
    /// Where the HTTP interface listens; port 0 takes a free one. The loopback only.
    pub http: SocketAddr,
    /// The databases the reader may read, as `GRANT` takes them (`otel`, `test*`). The auditor may add rows to their
    /// `query_audit`, and in databases that a pattern names to every table.
    pub readable_databases: Vec<String>,
    /// The databases the guest may read, likewise.
    pub published_databases: Vec<String>,
    /// Settings of a guest's queries that bound what they take, each with the value that it has and may be lowered
    /// from, and not set to 0, which is ClickHouse's word for none.
    pub guest_bounds: Vec<(&'static str, u64)>,
    /// The most memory the engine takes; half of the machine's where `None`.
    pub max_memory_bytes: Option<u64>,
    /// The cluster that the engine is one server of; by itself where `None`.
    pub cluster: Option<ClusterOptions>,
    /// How to start the child.
    pub child: ChildCommand,
}

/// A cluster of engines on one machine, as ClickHouse's `remote_servers` describe it: shards without replicas.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The cluster's name: letters, digits and underscores.
    pub name: String,
    /// What the passwords are made of: a user has the same on all servers.
    pub secret: String,
    /// Where this engine serves ClickHouse's native protocol; one of `shards`.
    pub native: SocketAddr,
    /// Where each shard serves it.
    pub shards: Vec<SocketAddr>,
}

/// A user of the engine.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password, made at this start.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Credentials {
    fn random(user: &str) -> Self {
        let password = rand::rng().sample_iter(Alphanumeric).take(40).map(char::from).collect();
        Self { user: user.to_owned(), password }
    }

    /// The same on all servers of a cluster, since whoever speaks to one of them speaks to the others, too.
    fn of(user: &str, cluster: Option<&ClusterOptions>) -> Self {
        let Some(cluster) = cluster else { return Self::random(user) };
        let password = sha256_hex(&format!("{user} {}", cluster.secret));
        Self { user: user.to_owned(), password }
    }
}

/// Whether the engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineState {
    /// It answers.
    Up,
    /// It died and is being started again.
    Restarting,
    /// It was stopped.
    Stopped,
}

/// How long a start may take. An engine with much data to load takes seconds.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a stop may take until the engine is killed; its data do not mind.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a starting engine is asked whether it is up.
const PING_INTERVAL: Duration = Duration::from_millis(20);
/// The wait before the first restart; it doubles up to the longest.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);
/// An engine that lived this long has earned a quick restart.
const STEADY: Duration = Duration::from_secs(60);

/// A running engine. Dropping it without [`Engine::stop`] kills the child.
#[derive(Debug)]
pub struct Engine {
    http: SocketAddr,
    owner: Credentials,
    reader: Credentials,
    guest: Credentials,
    auditor: Credentials,
    state: watch::Receiver<EngineState>,
    process: watch::Receiver<u32>,
    stop: mpsc::Sender<()>,
    watcher: JoinHandle<()>,
}

impl Engine {
    /// Starts the engine and returns once it answers.
    ///
    /// # Errors
    ///
    /// The address is taken, the data folder is in use, the library cannot be loaded: each says what to do.
    pub async fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let native = options.cluster.as_ref().map(|cluster| cluster.native);
        for address in [Some(options.http), native].into_iter().flatten() {
            if !address.ip().is_loopback() {
                return Err(EngineError::NotLoopback { address });
            }
        }
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| EngineError::File { path, source }
        };
        fs::create_dir_all(&options.data_dir).map_err(at(&options.data_dir))?;
        let data_dir = fs::canonicalize(&options.data_dir).map_err(at(&options.data_dir))?;
        let http = free_address(options.http)?;
        let owner = Credentials::of("granary_owner", options.cluster.as_ref());
        let reader = Credentials::of("granary_reader", options.cluster.as_ref());
        let guest = Credentials::of("granary_guest", options.cluster.as_ref());
        let auditor = Credentials::of("granary_auditor", options.cluster.as_ref());
        let config_file = Configuration {
            dir: &data_dir,
            owner: &owner,
            reader: &reader,
            auditor: &auditor,
            readable_databases: &options.readable_databases,
            guest: &guest,
            published_databases: &options.published_databases,
            guest_bounds: &options.guest_bounds,
            max_memory_bytes: options.max_memory_bytes,
            cluster: options.cluster.as_ref(),
        }
        .write()
        .map_err(at(&data_dir))?;
        let spec = ChildSpec {
            library: options.library,
            config_file,
            data_path: data_dir.join("store"),
            host: http.ip().to_string(),
            http_port: http.port(),
            native_port: native.map(|address| address.port()),
        };
        let launcher = Launcher { spec, http, command: options.child, log: data_dir.join("engine.log") };
        let running = launcher.launch().await?;
        let (state_sender, state) = watch::channel(EngineState::Up);
        let (process_sender, process) = watch::channel(running.id());
        let (stop, stop_receiver) = mpsc::channel(1);
        let watcher = Watcher {
            launcher,
            owner: owner.clone(),
            state: state_sender,
            process: process_sender,
            stop: stop_receiver,
        };
        let watcher = tokio::spawn(watcher.run(running));
        Ok(Self { http, owner, reader, guest, auditor, state, process, stop, watcher })
    }

    /// The address of the HTTP interface, the same for as long as this lives.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The user with all rights.
    #[must_use]
    pub fn owner(&self) -> &Credentials {
        &self.owner
    }

    /// The user that may only read.
    #[must_use]
    pub fn reader(&self) -> &Credentials {
        &self.reader
    }

    /// The user for statements of other people's: it may only read, only what is published, and within bounds that
    /// no statement can lift.
    #[must_use]
    pub fn guest(&self) -> &Credentials {
        &self.guest
    }

    /// The user that may add rows to `query_audit` in those databases, see how much running queries have read, and
    /// nothing else.
    #[must_use]
    pub fn auditor(&self) -> &Credentials {
        &self.auditor
    }

    /// Follows whether the engine answers.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<EngineState> {
        self.state.clone()
    }

    /// The child's process id, for whoever measures it or kills it in a test.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        *self.process.borrow()
    }

    /// Stops the engine: its queries end, its data are flushed. Returns once its process is gone.
    pub async fn stop(self) {
        // A watcher that is gone has stopped already.
        self.stop.send(()).await.ok();
        self.watcher.await.ok();
    }
}

/// Takes the address for a moment: says now whether it can be had, and which one port 0 becomes.
fn free_address(address: SocketAddr) -> Result<SocketAddr, EngineError> {
    let taken = |source| EngineError::Address { address, source };
    TcpListener::bind(address).map_err(taken)?.local_addr().map_err(taken)
}

struct Running {
    child: Child,
    /// Open for as long as the child shall live; see [`crate::child`].
    lifeline: ChildStdin,
    since: Instant,
}

impl Running {
    fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

struct Launcher {
    spec: ChildSpec,
    http: SocketAddr,
    command: ChildCommand,
    log: PathBuf,
}

impl Launcher {
    /// Starts the child and waits until it answers.
    async fn launch(&self) -> Result<Running, EngineError> {
        let at = |source| EngineError::File { path: self.log.clone(), source };
        let log = File::create(&self.log).map_err(at)?;
        let mut child = Command::new(&self.command.program)
            .args(&self.command.arguments)
            .envs(self.command.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(at)?)
            .stderr(log)
            // Out of the terminal's group: Ctrl-C is for the parent, which stops the engine last.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| EngineError::Spawn { source })?;
        let Some(mut lifeline) = child.stdin.take() else {
            return Err(self.failed("it has no standard input"));
        };
        let mut spec =
            serde_json::to_vec(&self.spec).map_err(|source| EngineError::Spawn { source: source.into() })?;
        spec.push(b'\n');
        lifeline.write_all(&spec).await.map_err(|source| EngineError::Spawn { source })?;
        let since = Instant::now();
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(self.failed(&format!("its process ended with {status}")));
            }
            if ping(self.http).await {
                return Ok(Running { child, lifeline, since });
            }
            if since.elapsed() > START_TIMEOUT {
                return Err(self.failed(&format!("no answer within {START_TIMEOUT:?}")));
            }
            sleep(PING_INTERVAL).await;
        }
    }

    fn failed(&self, reason: &str) -> EngineError {
        let output = fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines = output.lines().rev().filter(|line| !line.trim().is_empty());
        let telling = lines.clone().find(|line| line.contains("Exception") || line.contains("cannot"));
        let tail = telling.or_else(|| lines.next());
        EngineError::Start {
            reason: reason.to_owned(),
            log: self.log.clone(),
            tail: tail.unwrap_or("nothing").trim().to_owned(),
        }
    }
}

struct Watcher {
    launcher: Launcher,
    owner: Credentials,
    state: watch::Sender<EngineState>,
    process: watch::Sender<u32>,
    stop: mpsc::Receiver<()>,
}

impl Watcher {
    async fn run(mut self, mut running: Running) {
        let mut backoff = FIRST_BACKOFF;
        loop {
            tokio::select! {
                _ = self.stop.recv() => {
                    self.end(running).await;
                    self.state.send_replace(EngineState::Stopped);
                    return;
                }
                status = running.child.wait() => {
                    tracing::warn!(?status, log = %self.launcher.log.display(), "the engine ended, starting it again");
                    self.state.send_replace(EngineState::Restarting);
                    if running.since.elapsed() > STEADY {
                        backoff = FIRST_BACKOFF;
                    }
                }
            }
            running = loop {
                tokio::select! {
                    _ = self.stop.recv() => {
                        self.state.send_replace(EngineState::Stopped);
                        return;
                    }
                    () = sleep(backoff) => {}
                }
                match self.launcher.launch().await {
                    Ok(running) => break running,
                    Err(error) => {
                        tracing::error!(%error, retry_in = ?backoff, "the engine cannot be started");
                        backoff = (backoff * 2).min(LONGEST_BACKOFF);
                    }
                }
            };
            self.process.send_replace(running.id());
            self.state.send_replace(EngineState::Up);
            tracing::info!("the engine is up again");
        }
    }

    async fn end(&self, mut running: Running) {
        if let Err(error) = end_keep_alive(self.launcher.http, &self.owner).await {
            tracing::debug!(%error, "the engine does not take the request to end");
            drop(running.lifeline);
        }
        if timeout(STOP_TIMEOUT, running.child.wait()).await.is_err() {
            tracing::warn!(after = ?STOP_TIMEOUT, "the engine did not end, killing it");
            running.child.kill().await.ok();
        }
    }
}
