//! `granary queries new`: a file to begin with.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use granary_gateway::{Catalogue, starter};

use crate::settings::Settings;

/// Writes the file; one that is there stays as it is.
///
/// # Errors
///
/// The name is none, or taken; or the file cannot be written.
pub(crate) fn run(settings: &Settings, name: &str, group: &str, dir: Option<&Path>) -> anyhow::Result<()> {
    let text = starter(name)?;
    starter(group).context("the group cannot be named so")?;
    let dir = dir.or(settings.gateway.query_dir.as_deref());
    let dir = dir.context("there is no folder for queries; name one with --dir, or set gateway.query_dir")?;
    if let Some(other) = Catalogue::embedded()?.get(name) {
        bail!("{}/{name}.sql, which comes along, has that name; take another", other.group());
    }
    let group = dir.join(group);
    fs::create_dir_all(&group).with_context(|| format!("{} cannot be made", group.display()))?;
    let path = group.join(format!("{name}.sql"));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(text.as_bytes())?;
    say!("{}", path.display());
    Ok(())
}
