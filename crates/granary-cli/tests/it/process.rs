//! A granary as a process of its own, on free ports.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A command that reads no settings but those it is given.
pub(crate) fn granary(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_granary"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("GRANARY_") || name.starts_with("AWS_"))
    {
        command.env_remove(name);
    }
    command.env("GRANARY_DATA_DIR", data_dir).env("GRANARY_ENGINE_MAX_MEMORY", "4GiB").stdin(Stdio::null());
    command
}

pub(crate) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// `granary up`, running.
pub(crate) struct Up {
    child: Child,
    /// What it printed, by name.
    addresses: HashMap<String, String>,
}

const FREE_PORTS: [(&str, &str); 4] = [
    ("--otlp-grpc", "127.0.0.1:0"),
    ("--otlp-http", "127.0.0.1:0"),
    ("--gateway", "127.0.0.1:0"),
    ("--clickhouse-http", "127.0.0.1:0"),
];

impl Up {
    pub(crate) fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        let mut command = granary(data_dir);
        command.arg("up");
        for (flag, address) in FREE_PORTS {
            command.args([flag, address]);
        }
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut addresses = HashMap::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((name, address)) = line.trim().rsplit_once("   ") {
                addresses.insert(name.trim().to_owned(), address.trim().to_owned());
            }
            if line.trim().starts_with("archive") {
                return Self { child, addresses };
            }
        }
        panic!("granary ended with {:?}", child.wait());
    }

    /// With records of these names, stored.
    pub(crate) async fn start_with(data_dir: &Path, names: &[&str]) -> Self {
        let up = Self::start(data_dir, &[]);
        let body = request(&names.iter().map(|name| record(name)).collect::<Vec<_>>());
        let post = reqwest::Client::new().post(format!("{}/v1/logs", up.otlp_http()));
        post.header("Content-Type", "application/json").body(body).send().await.unwrap();
        up.settled().await;
        up
    }

    pub(crate) fn otlp_http(&self) -> &str {
        &self.addresses["OTLP over HTTP"]
    }

    pub(crate) fn otlp_grpc(&self) -> &str {
        &self.addresses["OTLP over gRPC"]
    }

    pub(crate) fn gateway(&self) -> &str {
        self.addresses["queries"].trim_end_matches("/v1/queries")
    }

    pub(crate) fn clickhouse(&self) -> &str {
        &self.addresses["ClickHouse"]
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The engine's process: the one child there is.
    pub(crate) fn engine_id(&self) -> u32 {
        let children = format!("/proc/{0}/task/{0}/children", self.id());
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.id())).unwrap();
        let all: String = tasks
            .map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default())
            .collect();
        all.split_whitespace().next().unwrap_or_else(|| panic!("no child in {children}")).parse().unwrap()
    }

    /// Waits until everything that was acknowledged is in its tables.
    pub(crate) async fn settled(&self) {
        let url = format!("{}/metrics", self.gateway());
        eventually("delivery", async || {
            let metrics = reqwest::get(&url).await.unwrap().text().await.unwrap();
            let waiting = metrics.lines().filter(|line| line.starts_with("granary_ingest_waiting_records{"));
            waiting.into_iter().all(|line| line.ends_with(" 0"))
        })
        .await;
    }

    pub(crate) fn kill(self) {
        drop(self);
    }

    /// SIGTERM, and what it ends with.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        send_signal(self.id(), Signal::TERM);
        self.child.wait().unwrap()
    }
}

/// A test that fails leaves no process behind.
impl Drop for Up {
    fn drop(&mut self) {
        // It may have been stopped already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn send_signal(process: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(process).unwrap()).unwrap(), signal).unwrap();
}

/// Whether a process is there and not a zombie.
pub(crate) fn is_alive(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
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

/// A log record as JSON, with an id of its own.
pub(crate) fn record(id: &str) -> String {
    format!(
        r#"{{"timeUnixNano":"1795165605889000000","body":{{"stringValue":"claude_code.api_request"}},"attributes":[
        {{"key":"session.id","value":{{"stringValue":"session-1"}}}},{{"key":"user.id","value":{{"stringValue":"ada"}}}},
        {{"key":"request_id","value":{{"stringValue":"{id}"}}}},{{"key":"model","value":{{"stringValue":"claude-opus-4-6"}}}},
        {{"key":"cost_usd","value":{{"doubleValue":0.25}}}},{{"key":"input_tokens","value":{{"intValue":50000}}}}]}}"#
    )
}

pub(crate) fn request(records: &[String]) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","))
}
