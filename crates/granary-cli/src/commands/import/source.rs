//! Which files there are, and what each of them is.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use granary_model::TenantId;
use granary_redact::Redactor;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use tokio::sync::mpsc::Sender;

use super::item::{Found, Skipped};
use super::prices::Prices;
use super::transcript::text;
use super::{lines, otlp, transcript};
use crate::arguments::ImportSignal;

/// What reading is told.
pub(super) struct Reading {
    pub(super) tenant: TenantId,
    pub(super) redactor: Redactor,
    pub(super) prices: Prices,
    /// Put on the resource of everything.
    pub(super) attributes: Vec<KeyValue>,
    /// Prompts, answers and the inputs of tools, too.
    pub(super) content: bool,
    /// Of protobuf files whose name does not say it.
    pub(super) signal: Option<ImportSignal>,
}

/// Where what is found goes. Nobody is there any more once the import has failed.
pub(super) struct Finds<'a> {
    found: &'a Sender<Found>,
    file: &'a Path,
    pub(super) is_wanted: bool,
}

impl Finds<'_> {
    pub(super) fn push(&mut self, found: Found) {
        self.is_wanted &= self.found.blocking_send(found).is_ok();
    }

    pub(super) fn skip(&mut self, line: u64, reason: impl Into<String>) {
        let file = self.file.to_owned();
        self.push(Found::Skipped(Skipped { file, line, reason: reason.into() }));
    }
}

/// The files that are named, and those below the folders that are named.
pub(super) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    const ENDINGS: [&str; 5] = ["jsonl", "json", "pb", "binpb", "proto"];
    let mut files = Vec::new();
    for path in paths {
        let metadata =
            std::fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
        if !metadata.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            let entries =
                std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
            for entry in entries {
                let entry = entry?;
                // Links are not followed: a circle of them has no end.
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if ENDINGS.contains(&ending(&entry.path()).as_str()) {
                    files.push(entry.path());
                }
            }
        }
    }
    files.sort();
    files.dedup();
    if files.is_empty() {
        bail!("there is nothing to import: no file ends in .jsonl, .json or .pb, compressed or not");
    }
    Ok(files)
}

/// A file's ending, without that of its compression.
fn ending(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.rsplit_once('.').map_or("", |(_, ending)| ending).to_owned()
}

/// `KEY=VALUE`, as the client's own `OTEL_RESOURCE_ATTRIBUTES` has them.
pub(super) fn attributes(pairs: &[String]) -> anyhow::Result<Vec<KeyValue>> {
    let parse = |pair: &String| match pair.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok(text(key, value)),
        _ => bail!("--attribute {pair:?} is not KEY=VALUE, as in team.id=platform"),
    };
    pairs.iter().map(parse).collect()
}

/// Reads every file; what cannot be read is told and is no reason to stop.
pub(super) fn read_all(files: &[PathBuf], reading: &Reading, found: &Sender<Found>) {
    for file in files {
        let mut finds = Finds { found, file, is_wanted: true };
        finds.push(Found::File(file.clone()));
        if let Err(error) = read(file, reading, &mut finds) {
            finds.skip(0, format!("cannot be read: {error}"));
        }
        if !finds.is_wanted {
            return;
        }
    }
}

fn read(file: &Path, reading: &Reading, finds: &mut Finds<'_>) -> std::io::Result<()> {
    let mut reader = lines::open(file)?;
    if ["pb", "binpb", "proto"].contains(&ending(file).as_str()) {
        return otlp::read_protobuf(file, &mut *reader, reading, finds);
    }
    if is_transcript(&mut *reader)? {
        transcript::read(&mut *reader, reading, finds)
    } else {
        otlp::read_json(&mut *reader, reading, finds)
    }
}

/// OTLP's JSON names its signal at once; a transcript's line has a type or a session.
fn is_transcript(reader: &mut dyn BufRead) -> std::io::Result<bool> {
    let beginning = String::from_utf8_lossy(reader.fill_buf()?).into_owned();
    let first = beginning.lines().take(50).collect::<Vec<_>>().join("\n");
    Ok(!["\"resourceLogs\"", "\"resourceSpans\"", "\"resourceMetrics\""]
        .iter()
        .any(|name| first.contains(name)))
}
