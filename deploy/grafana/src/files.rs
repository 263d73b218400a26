//! Reading the sources: folders in order, and files of a header and a text.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::de::DeserializeOwned;

/// What is in a folder, in order of names.
pub(crate) fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        })
        .with_context(|| format!("the folder {} cannot be read", folder.display()))?;
    paths.sort();
    Ok(paths)
}

/// The name without folders and ending.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

pub(crate) fn toml<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    toml::from_str(&text(path)?).with_context(|| format!("{} is not as it should be", path.display()))
}

/// A file that begins with TOML: between `/*` and `*/` before SQL, behind `# ` before `PromQL`.
pub(crate) fn headed<T: DeserializeOwned>(path: &Path) -> anyhow::Result<(T, String)> {
    let text = text(path)?;
    let (header, body) = if let Some(rest) = text.strip_prefix("/*") {
        let (header, body) = rest.split_once("*/").context("its header has no */")?;
        (header.to_owned(), body.to_owned())
    } else {
        let end = text.lines().take_while(|line| line.starts_with('#')).count();
        let header =
            text.lines().take(end).map(|line| line.trim_start_matches(['#', ' '])).collect::<Vec<_>>();
        (header.join("\n"), text.lines().skip(end).collect::<Vec<_>>().join("\n"))
    };
    let header = toml::from_str(&header)
        .with_context(|| format!("the header of {} is not as it should be", path.display()))?;
    Ok((header, body.trim().to_owned()))
}
