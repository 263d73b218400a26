//! The system under test: one granary whose engine is the ClickHouse server, and one that receives and sends there
//! through a connection that fails on command.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::FaultyProxy;
use crate::oracle::Plan;

const DATABASE: &str = "otel";
/// What fills the disk.
const BALLAST: &str = "ballast";
/// How long a start or coming to rest may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) struct System {
    program: PathBuf,
    dir: PathBuf,
    engine_memory: Option<String>,
    small_disk: Option<PathBuf>,
    server: Process,
    receiver: Process,
    pub(crate) proxy: FaultyProxy,
    user: String,
    password: String,
}

impl System {
    pub(crate) async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let free = ["--otlp-http", "--otlp-grpc", "--gateway", "--clickhouse-http"]
            .map(|flag| [flag.to_owned(), "127.0.0.1:0".to_owned()]);
        let server_dir = plan.dir.join("server");
        let arguments = free.concat();
        let server = Process::start(&plan.granary, &server_dir, &arguments, plan.engine_memory.as_deref())
            .context("the server cannot be started")?;
        let running: serde_json::Value =
            serde_json::from_slice(&std::fs::read(server_dir.join("running.json"))?)?;
        let of_owner = |name: &str| running["owner"][name].as_str().unwrap_or_default().to_owned();
        let (user, password) = (of_owner("user"), of_owner("password"));
        let target = server.address("ClickHouse")?.trim_start_matches("http://").parse()?;
        let proxy = FaultyProxy::start(target).await?;
        let arguments =
            [free[..3].concat(), remote(&proxy, &user, &password), log_on(plan.small_disk.as_deref())]
                .concat();
        let receiver_dir = plan.dir.join("receiver");
        let receiver = Process::start(&plan.granary, &receiver_dir, &arguments, None)?;
        Ok(Self {
            program: plan.granary.clone(),
            dir: receiver_dir,
            engine_memory: plan.engine_memory.clone(),
            small_disk: plan.small_disk.clone(),
            server,
            receiver,
            proxy,
            user,
            password,
        })
    }

    pub(crate) fn otlp_http(&self) -> &str {
        &self.receiver.addresses["OTLP over HTTP"]
    }

    /// `kill -9`, and a start on the same ports.
    pub(crate) fn kill_receiver(&mut self) -> anyhow::Result<()> {
        self.receiver.kill();
        let port = |name: &str| self.receiver.address(name).map(|url| bare(url).to_owned());
        let arguments = [
            vec!["--otlp-http".to_owned(), port("OTLP over HTTP")?],
            vec!["--otlp-grpc".to_owned(), port("OTLP over gRPC")?],
            vec!["--gateway".to_owned(), port("queries")?],
            remote(&self.proxy, &self.user, &self.password),
            log_on(self.small_disk.as_deref()),
        ]
        .concat();
        // It may have died of a full disk, and is not to be started on one.
        self.free_disk()?;
        let began = Instant::now();
        // A server that is away at that moment keeps a receiver without a past from starting.
        self.receiver = loop {
            match Process::start(&self.program, &self.dir, &arguments, self.engine_memory.as_deref()) {
                Ok(receiver) => break receiver,
                Err(error) if began.elapsed() > PATIENCE => return Err(error),
                Err(_) => {}
            }
        };
        Ok(())
    }

    /// Takes all room on the log's disk, where that is a small one.
    pub(crate) fn fill_disk(&self) -> anyhow::Result<()> {
        let Some(disk) = &self.small_disk else { return Ok(()) };
        let mut ballast = std::fs::File::create(disk.join(BALLAST))?;
        let zeros = vec![0; 64 * 1024];
        for piece in [zeros.len(), 512, 1] {
            loop {
                match ballast.write_all(&zeros[..piece]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Gives the room back.
    pub(crate) fn free_disk(&self) -> anyhow::Result<()> {
        let Some(disk) = &self.small_disk else { return Ok(()) };
        match std::fs::remove_file(disk.join(BALLAST)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// `kill -9` of the engine; its granary starts it again.
    pub(crate) fn kill_engine(&self) -> anyhow::Result<()> {
        if let Some(engine) = self.server.child_of_it()? {
            // It may have ended by itself in between.
            drop(signal(engine, Signal::KILL));
        }
        Ok(())
    }

    /// Stops the engine's process for a while.
    pub(crate) async fn pause_engine(&self, pause: Duration) -> anyhow::Result<()> {
        if let Some(engine) = self.server.child_of_it()? {
            drop(signal(engine, Signal::STOP));
            tokio::time::sleep(pause).await;
            drop(signal(engine, Signal::CONT));
        }
        Ok(())
    }

    /// Ends all faults and waits until everything that was acknowledged is delivered.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        self.proxy.on();
        self.proxy.storm(false);
        self.proxy.swallow_inserts(0);
        self.free_disk()?;
        let url = format!("{}/metrics", self.receiver.address("queries")?.trim_end_matches("/v1/queries"));
        let began = Instant::now();
        loop {
            if let Ok(answer) = reqwest::get(&url).await
                && let Ok(metrics) = answer.text().await
            {
                let mut waiting =
                    metrics.lines().filter(|line| line.starts_with("granary_ingest_waiting_records{"));
                if waiting.all(|line| line.ends_with(" 0")) {
                    return Ok(());
                }
            }
            ensure!(began.elapsed() < PATIENCE, "what was acknowledged is not delivered");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks the server itself, past the proxy; an answer's bytes.
    pub(crate) async fn ask(&self, sql: &str) -> anyhow::Result<String> {
        let answer = reqwest::Client::new()
            .post(self.server.address("ClickHouse")?)
            .query(&[("database", DATABASE)])
            .header("X-ClickHouse-User", &self.user)
            .header("X-ClickHouse-Key", &self.password)
            .body(sql.to_owned())
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{sql}: {text}");
        Ok(text)
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let Self { receiver, server, .. } = self;
        tokio::task::spawn_blocking(move || receiver.stop().and(server.stop())).await?
    }
}

fn remote(proxy: &FaultyProxy, user: &str, password: &str) -> Vec<String> {
    [
        ("--clickhouse-url", format!("http://{}", proxy.address).as_str()),
        ("--clickhouse-user", user),
        ("--clickhouse-password", password),
        ("--clickhouse-database", DATABASE),
        // Shorter than in earnest, so that more happens in the time of a test.
        ("--clickhouse-timeout", "5s"),
        ("--ingest-insert-timeout", "5s"),
        ("--ingest-insert-interval", "100ms"),
        ("--archive-interval", "1h"),
    ]
    .into_iter()
    .flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()])
    .collect()
}

/// Puts the write-ahead log on a disk of its own.
fn log_on(disk: Option<&Path>) -> Vec<String> {
    disk.map(|disk| vec!["--ingest-wal-dir".to_owned(), disk.join("wal").display().to_string()])
        .unwrap_or_default()
}

fn bare(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches("/v1/queries")
}

/// `granary up`, running.
struct Process {
    child: Child,
    addresses: HashMap<String, String>,
}

impl Process {
    fn start(
        program: &Path,
        dir: &Path,
        arguments: &[String],
        engine_memory: Option<&str>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let log = std::fs::File::options().create(true).append(true).open(dir.with_extension("log"))?;
        let mut command = Command::new(program);
        command.arg("up").env("GRANARY_DATA_DIR", dir).args(arguments);
        if let Some(memory) = engine_memory {
            command.env("GRANARY_ENGINE_MAX_MEMORY", memory);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut addresses = HashMap::new();
        let lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        for line in lines {
            let line = line?;
            if let Some((name, address)) = line.trim().rsplit_once("   ") {
                addresses.insert(name.trim().to_owned(), address.trim().to_owned());
            }
            if line.trim().starts_with("archive") {
                return Ok(Self { child, addresses });
            }
        }
        bail!("granary ended with {}; see {}", child.wait()?, dir.with_extension("log").display())
    }

    fn address(&self, name: &str) -> anyhow::Result<&str> {
        self.addresses.get(name).map(String::as_str).with_context(|| format!("granary printed no {name}"))
    }

    /// The one child there is: the engine. `None` while it is being started again.
    fn child_of_it(&self) -> anyhow::Result<Option<u32>> {
        let mut children = String::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // Threads come and go.
            children += &std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        }
        Ok(children.split_whitespace().next().and_then(|child| child.parse().ok()))
    }

    fn kill(&mut self) {
        // It may have ended by itself; that it is gone is what counts.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    fn stop(mut self) -> anyhow::Result<()> {
        signal(self.child.id(), Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "granary ended with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn signal(process: u32, signal: Signal) -> anyhow::Result<()> {
    let id = i32::try_from(process).ok().and_then(Pid::from_raw).context("no process id")?;
    Ok(kill_process(id, signal)?)
}
