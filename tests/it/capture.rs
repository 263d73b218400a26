//! Captured sessions: the fixtures, or any folder of the same form.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// One request of a capture.
pub(crate) struct CapturedRequest {
    pub(crate) signal: String,
    pub(crate) is_json: bool,
    pub(crate) body: Vec<u8>,
}

/// A folder with sessions and `truth.json`.
pub(crate) struct Capture {
    folder: PathBuf,
}

impl Capture {
    /// The fixtures, or the folder that `GRANARY_TEST_CAPTURE` names.
    pub(crate) fn open() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a way to run the test on a larger capture")]
        let folder = std::env::var_os("GRANARY_TEST_CAPTURE");
        let fixtures = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/claude_code"));
        Self { folder: folder.map_or_else(fixtures, PathBuf::from) }
    }

    pub(crate) fn truth(&self) -> Truth {
        serde_json::from_slice(&std::fs::read(self.folder.join("truth.json")).unwrap()).unwrap()
    }

    /// All requests, session by session, in the order they were sent.
    pub(crate) fn requests(&self) -> Vec<CapturedRequest> {
        let mut files: Vec<_> = std::fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .flat_map(|session| std::fs::read_dir(session).unwrap().map(|entry| entry.unwrap().path()))
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} holds no sessions", self.folder.display());
        files
            .into_iter()
            .map(|file| {
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                let [_, signal, encoding] = name.split('.').collect::<Vec<_>>()[..] else { panic!("{name}") };
                CapturedRequest {
                    signal: signal.to_owned(),
                    is_json: encoding == "json",
                    body: std::fs::read(&file).unwrap(),
                }
            })
            .collect()
    }
}

/// Totals computed by another program from the same files.
#[derive(Debug, Deserialize)]
pub(crate) struct Truth {
    pub(crate) log_records: u64,
    pub(crate) users: u64,
    pub(crate) cost_usd: f64,
    pub(crate) events: BTreeMap<String, u64>,
    pub(crate) models: BTreeMap<String, ModelTruth>,
    pub(crate) tools: BTreeMap<String, ToolTruth>,
    pub(crate) decisions: BTreeMap<String, u64>,
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) spans: BTreeMap<String, u64>,
    pub(crate) by_session: BTreeMap<String, SessionTruth>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ModelTruth {
    pub(crate) requests: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) cache_read_tokens: u64,
    pub(crate) cache_creation_tokens: u64,
    pub(crate) duration_ms: u64,
    pub(crate) cost_usd: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ToolTruth {
    pub(crate) calls: u64,
    pub(crate) ok: u64,
    pub(crate) avg_ms: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SessionTruth {
    pub(crate) events: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    #[serde(default)]
    pub(crate) cost_usd: f64,
    #[serde(default)]
    pub(crate) requests: u64,
    #[serde(default)]
    pub(crate) tools: u64,
    #[serde(default)]
    pub(crate) tool_errors: u64,
}
