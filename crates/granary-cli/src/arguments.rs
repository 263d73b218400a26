//! What can be typed.

mod archive;
mod import;
mod keys;
mod query;
mod receiver;
mod session;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use granary_service::logging::LogConfig;

use crate::settings::{self, Settings};
pub(crate) use archive::{Archive, Restore};
pub(crate) use import::{Import, ImportSignal};
pub(crate) use keys::{CreateKey, Keys};
pub(crate) use query::{AnswerFormat, Cache, Queries, Query, QueryFormat};
pub(crate) use receiver::{Quarantine, Redact, ReportFormat, Wal};
pub(crate) use session::{Live, Sessions};

const EXAMPLES: &str = "\
Examples:
  granary demo                                     see it work on simulated sessions
  granary up                                       receive, store, archive and answer on this machine
  granary up --clickhouse-url http://db:8123       the same on a ClickHouse server
  granary query cost_by_model --param from=-7d     ask one of the named queries
  granary query                                    list them
  granary sessions list                            the sessions of the last day
  granary sessions replay SESSION --speed 10       watch one again
  granary live                                     watch what is being done now
  granary keys create --team platform              let others send, and know who does

Every setting is a flag, an environment variable and a key in granary.toml; `granary config` prints them all.";

/// The warehouse for coding-agent telemetry.
#[derive(Debug, Parser)]
#[command(name = "granary", version, after_help = EXAMPLES, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all roles in this process: receive, store, archive, answer.
    #[command(after_help = "\
Examples:
  granary up
  granary up --data-dir ./data --otlp-http 127.0.0.1:0
  granary up --clickhouse-url http://127.0.0.1:8123 --clickhouse-user granary --archive s3://telemetry/granary

Send to it:
  export CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp
  export OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317
  claude")]
    Up,
    /// Run the receiving role alone, against a ClickHouse server; several may run.
    #[command(after_help = "\
Example:
  granary ingest --clickhouse-url http://db:8123 --data-dir /var/lib/granary/a --health 0.0.0.0:8081
  granary ingest --clickhouse-url http://db:8123 --data-dir /var/lib/granary/a --health 0.0.0.0:8081 \\
    --ingest-peers '[\"granary-b:4319\"]' --ingest-peer-address 0.0.0.0:4319 --ingest-peer-secret-file /run/secrets/peers

Each has a write-ahead log of its own, which no other reads: give it a data folder that outlives the process. Told of one
another as in the second example, they store an event once, whichever of them its sender repeats it to.")]
    Ingest,
    /// Run the answering role alone, against a ClickHouse server; several may run.
    #[command(after_help = "\
Example:
  granary gateway --clickhouse-url http://db:8123 --clickhouse-reader-user granary_reader --archive s3://telemetry/granary")]
    Gateway,
    /// Start everything on a throw-away data folder, send simulated sessions, show some answers.
    Demo(Demo),
    /// Ask a named query; without a name, list them.
    #[command(after_help = "\
Examples:
  granary query
  granary query cost_by_model --describe
  granary query cost_by_model --param from=-7d --param bucket=day
  granary query sessions --param user=ada@example.com --format json | jq '.data[].cost'")]
    Query(Query),
    /// Look through the named queries, and write your own.
    #[command(after_help = "\
Examples:
  granary queries list --format json | jq -r '.data[].query'
  granary queries new slow_users --dir ./queries    a file to begin with
  granary queries check ./queries                   is everything in order? the exit code is 1 if not
  granary queries explain cost_by_model -p from=-7d what would be read, and which indexes help
  granary up --gateway-query-dir ./queries          files in the folder are taken up as they change")]
    Queries {
        #[command(subcommand)]
        command: Queries,
    },
    /// List, show, archive and replay sessions.
    Sessions {
        #[command(subcommand)]
        command: Sessions,
    },
    /// Watch events as they are stored, until told to stop.
    #[command(after_help = "\
Examples:
  granary live
  granary live --team platform --event api_error --event tool_result
  granary live --session SESSION --jsonl | jq .attributes")]
    Live(Live),
    /// Archive sessions, look after what is archived, and put it back.
    #[command(after_help = "\
Examples:
  granary archive run                       the archiving role alone; several may run
  granary archive run --once                archive what is due, and end
  granary archive verify --sample 1%        is every object there? and is every hundredth sound?
  granary archive restore --dry-run         what the warehouse has lost of what is archived
  granary archive restore                   put it back
  granary archive expire --dry-run          what is over the time of archive.keep
  granary archive lifecycle > rules.json
  aws s3api put-bucket-lifecycle-configuration --bucket BUCKET --lifecycle-configuration file://rules.json")]
    Archive {
        #[command(subcommand)]
        command: Archive,
    },
    /// Import what agents have left on disk: OTLP files and Claude Code's transcripts. Needs a granary that runs.
    #[command(after_help = "\
Examples:
  granary import ~/.claude/projects --dry-run
  granary import ~/.claude/projects --attribute team.id=platform --attribute user.email=ada@example.com
  granary import telemetry.jsonl.gz traces.pb --to http://127.0.0.1:4317

A second import of the same files adds nothing. What live telemetry brought already is left out. Everything imported has
the resource attribute granary.import.")]
    Import(Import),
    /// Look after the answers that a gateway keeps.
    #[command(after_help = "\
Examples:
  granary cache flush                                     the gateway of gateway.listen
  granary cache flush --at http://granary.example.com:8080")]
    Cache {
        #[command(subcommand)]
        command: Cache,
        /// The gateway's address; by default what gateway.listen says.
        #[arg(long, global = true, value_name = "URL")]
        at: Option<String>,
        /// The key to show, where the gateway asks for one.
        #[arg(long, global = true)]
        token: Option<String>,
    },
    /// Make, list, rotate and revoke the keys that senders and askers need.
    #[command(after_help = "\
Examples:
  granary keys create --team platform --name 'build agents' --expires 90d
  granary keys create --tenant acme --requests-per-second 50 --bytes-per-second 5MiB > token
  granary keys list --format json | jq '.data[] | select(.state == \"valid\")'
  granary keys rotate ID --grace 7d
  granary keys revoke ID

Senders show the token:
  export OTEL_EXPORTER_OTLP_HEADERS=\"Authorization=Bearer $(cat token)\"

The keys are in the file that ingest.keys_file names, by default in the data folder. A granary that runs
reads it again when it changes; it can be mounted as a secret where another machine makes the keys.")]
    Keys {
        #[command(subcommand)]
        command: Keys,
    },
    /// Bring the database's tables up to date.
    Migrate {
        /// Only say what would be applied.
        #[arg(long)]
        dry_run: bool,
    },
    /// Look at the write-ahead log.
    #[command(after_help = "\
Examples:
  granary wal inspect                       what is in it, and up to where it is confirmed
  granary wal verify --format json          check every byte; the exit code is 1 if data are lost")]
    Wal {
        #[command(subcommand)]
        command: Wal,
    },
    /// Look after the inserts that ClickHouse refused for good.
    #[command(after_help = "\
Examples:
  granary quarantine list
  granary quarantine retry                  all of them, once the reason is gone
  granary quarantine drop NAME")]
    Quarantine {
        #[command(subcommand)]
        command: Quarantine,
    },
    /// Try the redaction rules.
    #[command(after_help = "\
Examples:
  granary redact try < transcript.txt       what is left of it, and which rules fired
  granary redact rules                      the rules that are on")]
    Redact {
        #[command(subcommand)]
        command: Redact,
    },
    /// Look whether everything that granary needs is there and as it should be; the exit code is 1 if something is not.
    #[command(after_help = "\
Examples:
  granary doctor
  granary doctor --clickhouse-url http://db:8123 --archive s3://telemetry/granary
  granary doctor --json | jq '.checks[] | select(.state != \"ok\")'

It writes a file into the log's folder and an object into the archive, and deletes them again.")]
    Doctor {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Print the settings in force and where each comes from.
    Config {
        /// How to print them; a table on a terminal, else TOML.
        #[arg(long, value_enum)]
        format: Option<ConfigFormat>,
    },
    /// Print a shell's completions.
    #[command(
        after_help = "Example:\n  granary completions bash > ~/.local/share/bash-completion/completions/granary"
    )]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// The embedded engine's own process.
    #[command(hide = true)]
    EngineChild,
}

/// How settings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigFormat {
    /// Key, value, source.
    Table,
    /// A file that could be given back, sources as comments.
    Toml,
}

/// `granary demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many sessions.
    #[arg(long, default_value_t = 200)]
    pub(crate) sessions: usize,
    /// The same seed gives the same sessions.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// End after the answers.
    #[arg(long)]
    pub(crate) exit: bool,
}

impl Command {
    /// What this command logs: a command that answers keeps quiet unless it is told otherwise.
    pub(crate) fn log(&self, settings: &Settings) -> LogConfig {
        let serves = matches!(
            self,
            Self::Up | Self::Ingest | Self::Gateway | Self::Archive { command: Archive::Run { once: false } }
        );
        if serves || settings.log.level != LogConfig::default().level {
            settings.log.clone()
        } else {
            LogConfig { level: "warn".to_owned(), ..settings.log.clone() }
        }
    }
}

/// The whole command line, with a flag for every setting.
pub(crate) fn command() -> clap::Command {
    Cli::command().args(settings::arguments())
}

/// Reads the command line; what cannot be read ends the process with the reason.
pub(crate) fn parse() -> (Command, ArgMatches) {
    let matches = command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    (cli.command, innermost(matches))
}

/// The matches of the last subcommand: flags of settings may stand behind any of them.
fn innermost(mut matches: ArgMatches) -> ArgMatches {
    while let Some((_, inner)) = matches.remove_subcommand() {
        matches = inner;
    }
    matches
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
