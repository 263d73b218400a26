//! The warehouse that a command speaks to: a server, the one of a running granary, or one started for the moment.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use granary_clickhouse::{ClickHouseConfig, Warehouse, migrate};
use granary_engine::library::{self, Progress};
use granary_engine::{ChildCommand, Credentials, Engine, EngineOptions};
use indicatif::{ProgressBar, ProgressStyle};

use crate::instance::{self, DataDir};
use crate::settings::{ClickHouseSettings, Settings};

/// A way to the warehouse, as its owner and as a reader.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) owner: ClickHouseConfig,
    pub(crate) reader: ClickHouseConfig,
    engine: Option<(Engine, DataDir)>,
}

impl Access {
    /// Opens the warehouse for one command.
    ///
    /// # Errors
    ///
    /// There is no way to it; the message says what was tried.
    pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        if let Some((owner, reader)) = server(&settings.clickhouse) {
            return Ok(Self { owner, reader, engine: None });
        }
        if let Some(running) = instance::running(&settings.data_dir) {
            return Ok(Self { owner: running.owner, reader: running.reader, engine: None });
        }
        let data_dir = DataDir::take(&settings.data_dir)?;
        // Nobody else speaks to it, so any port will do: another ClickHouse may have the usual one.
        let engine = start_engine(settings, SocketAddr::new(settings.engine.http.ip(), 0)).await?;
        let (owner, reader) = users(&engine, &settings.clickhouse);
        migrate::apply(&Warehouse::new(&owner)).await?;
        Ok(Self { owner, reader, engine: Some((engine, data_dir)) })
    }

    /// The warehouse with all rights.
    pub(crate) fn owner(&self) -> Warehouse {
        Warehouse::new(&self.owner)
    }

    /// The warehouse for reading.
    pub(crate) fn reader(&self) -> Warehouse {
        Warehouse::new(&self.reader)
    }

    /// Ends what was started for the moment.
    pub(crate) async fn close(self) {
        if let Some((engine, data_dir)) = self.engine {
            engine.stop().await;
            drop(data_dir);
        }
    }
}

/// The server of the settings, as its two users.
pub(crate) fn server(settings: &ClickHouseSettings) -> Option<(ClickHouseConfig, ClickHouseConfig)> {
    let owner = ClickHouseConfig {
        url: settings.url.clone()?,
        user: settings.user.clone(),
        password: settings.password.clone(),
        database: settings.database.clone(),
        timeout: settings.timeout,
        cluster: settings.cluster().map(Box::new),
        shared_merge_tree: settings.shared_merge_tree,
    };
    let reader = match &settings.reader_user {
        Some(user) => ClickHouseConfig {
            user: user.clone(),
            password: settings.reader_password.clone(),
            ..owner.clone()
        },
        None => owner.clone(),
    };
    Some((owner, reader))
}

/// The engine's two users.
pub(crate) fn users(engine: &Engine, settings: &ClickHouseSettings) -> (ClickHouseConfig, ClickHouseConfig) {
    let config = |credentials: &Credentials| ClickHouseConfig {
        url: format!("http://{}", engine.http()),
        user: credentials.user.clone(),
        password: credentials.password.clone(),
        database: settings.database.clone(),
        timeout: settings.timeout,
        ..ClickHouseConfig::default()
    };
    (config(engine.owner()), config(engine.reader()))
}

/// The user for other people's SQL, with the database of what is published: the engine's, or the server's if it has
/// one.
pub(crate) fn guest(engine: Option<&Engine>, settings: &ClickHouseSettings) -> Option<ClickHouseConfig> {
    let (url, user, password) = match engine {
        Some(engine) => {
            let Credentials { user, password } = engine.guest().clone();
            (format!("http://{}", engine.http()), user, password)
        }
        None => (settings.url.clone()?, settings.guest_user.clone()?, settings.guest_password.clone()),
    };
    let (database, timeout) = (settings.published_database.clone(), settings.timeout);
    // A guest's settings are its profile's, in a cluster as elsewhere.
    Some(ClickHouseConfig { url, user, password, database, timeout, ..ClickHouseConfig::default() })
}

/// The user that writes down who asked what: the engine's, the server's where one is set, else the owner.
pub(crate) fn auditor(
    engine: Option<&Engine>,
    owner: &ClickHouseConfig,
    settings: &ClickHouseSettings,
) -> ClickHouseConfig {
    let (user, password) = match (engine, &settings.auditor_user) {
        (Some(engine), _) => (engine.auditor().user.clone(), engine.auditor().password.clone()),
        (None, Some(user)) => (user.clone(), settings.auditor_password.clone()),
        (None, None) => return owner.clone(),
    };
    ClickHouseConfig { user, password, ..owner.clone() }
}

/// Starts the embedded engine at an address, fetching it first where it is not there yet.
pub(crate) async fn start_engine(settings: &Settings, http: SocketAddr) -> anyhow::Result<Engine> {
    let (configured, cache) = (settings.engine.library.clone(), settings.engine.cache_dir.clone());
    let fetch = move || fetch(configured.as_deref(), &cache);
    let library =
        tokio::task::spawn_blocking(fetch).await.context("fetching the engine was interrupted")??;
    let options = EngineOptions {
        library,
        data_dir: settings.data_dir.join("engine"),
        http,
        readable_databases: vec![settings.clickhouse.database.clone()],
        published_databases: vec![settings.clickhouse.published_database.clone()],
        guest_bounds: settings.gateway.query_limits().guest_bounds().to_vec(),
        max_memory_bytes: settings.engine.max_memory.map(|size| size.as_u64()),
        cluster: None,
        child: ChildCommand {
            program: std::env::current_exe().context("the path of this program is not known")?,
            arguments: vec!["engine-child".into()],
            environment: Vec::new(),
        },
    };
    Ok(Engine::start(options).await?)
}

fn fetch(configured: Option<&Path>, cache: &Path) -> anyhow::Result<std::path::PathBuf> {
    let bar = ProgressBar::hidden();
    let style = |text: &str| ProgressStyle::with_template(text).map(|style| style.progress_chars("=> "));
    let downloading = style("fetching the embedded ClickHouse {bar:40} {bytes}/{total_bytes} {eta}")?;
    let unpacking = style("unpacking it                     {bar:40} {bytes}/{total_bytes}")?;
    let mut step = 0;
    let library = library::find_or_fetch(configured, cache, &mut |progress| match progress {
        Progress::Downloading(done, all) => {
            if step == 0 {
                step = 1;
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
                bar.set_style(downloading.clone());
                if bar.is_hidden() {
                    eprintln!(
                        "fetching the embedded ClickHouse into {} (once, {} MB)",
                        cache.display(),
                        all / 1_000_000
                    );
                }
            }
            bar.set_length(all);
            bar.set_position(done);
        }
        Progress::Unpacking(done, all) => {
            if step == 1 {
                step = 2;
                bar.set_style(unpacking.clone());
            }
            bar.set_length(all);
            bar.set_position(done);
        }
        Progress::Done => bar.finish_and_clear(),
    })?;
    Ok(library)
}
