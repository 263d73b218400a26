//! `granary queries check`: is every file in order, to the engine too?

use std::path::Path;

use anyhow::{Context, bail};
use granary_clickhouse::Warehouse;
use granary_gateway::Catalogue;

use crate::access::{Access, server};
use crate::instance;
use crate::settings::Settings;

/// Prints a line for each thing that is wrong, as compilers do.
///
/// # Errors
///
/// Something is wrong, or it could not be found out.
pub(crate) async fn run(settings: &Settings, dir: Option<&Path>) -> anyhow::Result<()> {
    let catalogue = Catalogue::load(dir.or(settings.gateway.query_dir.as_deref()))?;
    let mut settings = settings.clone();
    let is_there = server(&settings.clickhouse).is_some() || instance::running(&settings.data_dir).is_some();
    // Without a warehouse an engine is started that has all tables and nothing in them.
    let folder = if is_there {
        None
    } else {
        let folder =
            tempfile::Builder::new().prefix("granary-check-").tempdir().context("no temporary folder")?;
        settings.data_dir = folder.path().into();
        settings.engine.http.set_port(0);
        Some(folder)
    };
    let access = Access::open(&settings).await?;
    let checked = catalogue.check(&Warehouse::new(&access.reader)).await;
    access.close().await;
    drop(folder);
    let problems = checked.context("the queries could not be checked")?;
    for problem in &problems {
        say!("{problem}");
    }
    let queries = catalogue.iter().count();
    match problems.len() {
        0 => {
            say!("{queries} queries are in order");
            Ok(())
        }
        number => bail!("{number} problems; {queries} queries load"),
    }
}
