//! The granary binary: arguments, settings, logging, one command.

#![expect(clippy::print_stderr, reason = "the binary speaks to a terminal")]

/// A line on standard output. Unlike `println!` it does not panic where nobody reads any more, as behind `head`.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

mod access;
mod announce;
mod arguments;
mod commands;
mod instance;
mod output;
mod progress;
mod roles;
mod settings;
mod up;

use std::process::ExitCode;

use anyhow::Context;
use granary_access::with_cause;
use granary_service::logging::Format;

use crate::arguments::Command;

// Blocks are filled on one thread and freed on another; the system's allocator locks over that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a shell sees when the arguments or settings cannot be used, as in BSD's `sysexits.h`.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let (command, matches) = arguments::parse();
    // The engine's process has no settings and no runtime: it does one thing.
    if let Command::EngineChild = command {
        return match granary_engine::child::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    if let Command::Completions { shell } = command {
        commands::completions::run(shell);
        return ExitCode::SUCCESS;
    }
    let loaded = match settings::load(&matches) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("granary: {}", with_cause(error.as_ref()));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match run(command, &loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let problem = with_cause(error.as_ref());
            // A line of text among JSON would be an error to who reads the log; without a log it is the only word there is.
            if loaded.settings.log.format == Format::Json && tracing::enabled!(tracing::Level::ERROR) {
                tracing::error!("{problem}");
            } else {
                eprintln!("granary: {problem}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, loaded: &settings::Loaded) -> anyhow::Result<()> {
    granary_service::logging::init(&command.log(&loaded.settings))
        .with_context(|| format!("log.level {:?} cannot be used", loaded.settings.log.level))?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no async runtime")?;
    let settings = loaded.settings.clone();
    let result = runtime.block_on(async {
        match command {
            Command::Up => Box::pin(commands::up::run(settings)).await,
            Command::Ingest => Box::pin(roles::ingest(&settings)).await,
            Command::Gateway => Box::pin(roles::gateway(&settings)).await,
            Command::Demo(demo) => Box::pin(commands::demo::run(settings, &demo)).await,
            Command::Query(query) => commands::query::run(&settings, &query).await,
            Command::Queries { command } => commands::queries::run(&settings, &command).await,
            Command::Sessions { command } => commands::sessions::run(&settings, &command).await,
            Command::Live(live) => commands::live::run(&settings, live).await,
            Command::Archive { command } => commands::archive::run(&settings, &command).await,
            Command::Import(import) => Box::pin(commands::import::run(&settings, &import)).await,
            Command::Cache { command, at, token } => {
                commands::cache::run(&settings, command, at.as_deref(), token.as_deref()).await
            }
            Command::Migrate { dry_run } => commands::migrate::run(&settings, dry_run).await,
            Command::Keys { command } => commands::keys::run(&settings, command),
            Command::Wal { command } => commands::wal::run(&settings, &command),
            Command::Quarantine { command } => commands::quarantine::run(&settings, &command).await,
            Command::Redact { command } => commands::redact::run(&settings, &command),
            Command::Doctor { json } => commands::doctor::run(&settings, json).await,
            Command::Config { format } => commands::config::run(loaded, format),
            Command::EngineChild | Command::Completions { .. } => Ok(()),
        }
    });
    // A blocking read of standard input, say, must not keep the process.
    runtime.shutdown_background();
    result
}
