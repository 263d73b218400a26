//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use granary_access::{Network, Role};
use granary_archive::Speed;
use granary_model::{Signal, TenantId};
use granary_service::logging::LogConfig;
use jiff::Timestamp;

use crate::settings::{self, Settings};

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

/// `granary live`
#[derive(Debug, Args)]
pub(crate) struct Live {
    /// Only this session; repeatable, as all of these.
    #[arg(long)]
    pub(crate) session: Vec<String>,
    /// Only this user.
    #[arg(long)]
    pub(crate) user: Vec<String>,
    /// Only this team.
    #[arg(long)]
    pub(crate) team: Vec<String>,
    /// Only this tool.
    #[arg(long)]
    pub(crate) tool: Vec<String>,
    /// Only this severity, such as error.
    #[arg(long)]
    pub(crate) severity: Vec<String>,
    /// Only events of this name, such as `api_request`.
    #[arg(long)]
    pub(crate) event: Vec<String>,
    /// Print each event as a JSON object a line.
    #[arg(long)]
    pub(crate) jsonl: bool,
}

/// `granary archive restore`
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Only this session.
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// Only sessions that began on this day (UTC) or later, as in 2026-11-20.
    #[arg(long, value_name = "DAY", conflicts_with = "session")]
    pub(crate) from: Option<String>,
    /// Only sessions that began before this day (UTC).
    #[arg(long, value_name = "DAY", conflicts_with = "session")]
    pub(crate) to: Option<String>,
    /// Only this tenant's sessions; without it everybody's.
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// The database to restore into, which is made where it is missing; without it the warehouse's own.
    #[arg(long, value_name = "DATABASE")]
    pub(crate) into: Option<String>,
    /// Only say what is missing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to print the summary.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
}

/// `granary import`
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files, and folders with files that end in .jsonl, .json or .pb, compressed or not.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// The receiver's gRPC address; by default the one in the settings.
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// A key's token, where the receiver asks for one.
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// Whose the data are: the tenant of the token.
    #[arg(long, default_value = TenantId::DEFAULT)]
    pub(crate) tenant: String,
    /// An attribute for the resource of everything, such as team.id, project or user.email; repeatable.
    #[arg(long = "attribute", value_name = "KEY=VALUE")]
    pub(crate) attributes: Vec<String>,
    /// Import the texts of transcripts, too: prompts, answers, tools' inputs. They are redacted like everything.
    #[arg(long)]
    pub(crate) content: bool,
    /// The signal of protobuf files whose name does not say it.
    #[arg(long, value_enum)]
    pub(crate) signal: Option<ImportSignal>,
    /// Only say what would be imported.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to print the summary.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
}

/// A signal, where a file does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportSignal {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
    /// Metric points.
    Metrics,
}

/// `granary keys`
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key and print its token, this once.
    #[command(after_help = "\
Examples:
  granary keys create --team platform --name 'build agents' --expires 90d
  granary keys create --tenant acme --requests-per-second 50 --bytes-per-second 5MiB > token
  granary keys create --role viewer --user dev@example.com
  granary keys create --role analyst --group cost --fix project=granary --network 10.0.0.0/8")]
    Create(CreateKey),
    /// All keys, whatever became of them.
    List {
        /// How to print them; a table on a terminal, else csv.
        #[arg(long, value_enum)]
        format: Option<AnswerFormat>,
    },
    /// Have a key refused, from within a second on.
    Revoke {
        /// The key's id, which is the part of its token between the underscores.
        id: String,
    },
    /// Give a key a new secret and print its new token, this once.
    #[command(after_help = "Example:\n  granary keys rotate ID --grace 7d > token")]
    Rotate {
        /// The key's id.
        id: String,
        /// How long the old token is taken.
        #[arg(long, value_parser = humantime::parse_duration, default_value = "24h", value_name = "TIME")]
        grace: Duration,
    },
}

/// `granary keys create`
#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    /// What the key is for: ingest (it sends), or asking: viewer (what --user did), team (what --team did), analyst
    /// (all of the tenant) or admin (that, who asked what, and flushing what is cached).
    #[arg(long, default_value_t = Role::Ingest)]
    pub(crate) role: Role,
    /// Whose data come with the key, or are seen with it.
    #[arg(long, default_value = TenantId::DEFAULT)]
    pub(crate) tenant: String,
    /// The team that the data are counted under, whatever the sender says; without one the sender says it. For the role
    /// team, the team whose data are seen.
    #[arg(long)]
    pub(crate) team: Option<String>,
    /// For the role viewer, the user whose data are seen, as sessions have it: mostly an e-mail address.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// A group of queries that may be asked, such as cost; may be given several times, and without it all may.
    #[arg(long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// A parameter that has this value in whatever is asked; given again with the same name, one more value.
    #[arg(long = "fix", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) fixed: Vec<(String, String)>,
    /// A network that the key is taken from, such as 10.0.0.0/8; may be given several times, and without it any is.
    #[arg(long = "network", value_name = "CIDR")]
    pub(crate) networks: Vec<Network>,
    /// What the key is for, in your words.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// After how long it is refused, such as 90d; without it, never.
    #[arg(long, value_parser = humantime::parse_duration, value_name = "TIME")]
    pub(crate) expires: Option<Duration>,
    /// Requests a second in the long run; 0 is any number. As the settings say by default.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) requests_per_second: Option<u32>,
    /// Bytes a second in the long run, such as 5MiB; 0 is any number. As the settings say by default.
    #[arg(long, value_name = "SIZE")]
    pub(crate) bytes_per_second: Option<ByteSize>,
    /// How many seconds' worth of both may come at once, such as 30s. As the settings say by default.
    #[arg(long, value_parser = humantime::parse_duration, value_name = "TIME")]
    pub(crate) burst: Option<Duration>,
}

/// `granary archive`
#[derive(Debug, Subcommand)]
pub(crate) enum Archive {
    /// Archive sessions as they become due, until told to stop.
    Run {
        /// Archive what is due now, and end; the exit code is 1 if a session fails.
        #[arg(long)]
        once: bool,
    },
    /// How much is archived, and what is due.
    Status {
        /// How to print it; a table on a terminal, else csv.
        #[arg(long, value_enum)]
        format: Option<AnswerFormat>,
    },
    /// The sessions that have an object, the one that was archived last first.
    List {
        /// How many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// How to print them; a table on a terminal, else csv.
        #[arg(long, value_enum)]
        format: Option<AnswerFormat>,
    },
    /// Hold every object against what was recorded; the exit code is 1 if one is missing, extra or damaged.
    #[command(after_help = "\
Examples:
  granary archive verify                    read every object to its end
  granary archive verify --sample 1%        look whether all are there, and read every hundredth
  granary archive verify --format json | jq -r '.data[] | select(.state == \"damaged\").key'")]
    Verify {
        /// Which share of the objects is read, such as 1%; of the others existence and size are compared.
        #[arg(long, value_parser = share, default_value = "100%", value_name = "SHARE")]
        sample: f64,
        /// Print also what is as it should be.
        #[arg(long)]
        all: bool,
        /// How to print it; a table on a terminal, else csv.
        #[arg(long, value_enum)]
        format: Option<AnswerFormat>,
    },
    /// Put sessions back into the warehouse from their objects; what is there is left as it is.
    #[command(after_help = "\
Examples:
  granary archive restore --dry-run                     what the warehouse has lost of what is archived
  granary archive restore --from 2026-03-01 --to 2026-04-01 --into march
  granary archive restore --session SESSION")]
    Restore(Restore),
    /// Delete the objects that are older than archive.keep says; the archiving role does it every hour.
    Expire {
        /// Only print their keys.
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the lifecycle rules for the bucket, as `aws s3api put-bucket-lifecycle-configuration` takes them.
    Lifecycle,
}

/// `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as project=granary")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads `1%` or `0.01`.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().map(|number| number / whole);
    match share {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is as in 1% or 0.01, from 0 to 100%".to_owned()),
    }
}

/// `granary wal`
#[derive(Debug, Subcommand)]
pub(crate) enum Wal {
    /// List segments, checkpoint and problems; reads the records' heads.
    Inspect {
        /// How to print it.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Check every byte; fails if acknowledged data are lost.
    Verify {
        /// How to print it.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
}

/// `granary quarantine`
#[derive(Debug, Subcommand)]
pub(crate) enum Quarantine {
    /// What is there, and why.
    List {
        /// How to print it.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
    },
    /// Insert again; what is stored leaves the quarantine.
    Retry {
        /// Which; none means all.
        names: Vec<String>,
    },
    /// Give inserts up for good.
    Drop {
        /// Which.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

/// `granary redact`
#[derive(Debug, Subcommand)]
pub(crate) enum Redact {
    /// Redact standard input.
    Try,
    /// List the rules that are on.
    Rules,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Text,
    /// One JSON document.
    Json,
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

/// `granary query`
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// The query's name.
    pub(crate) name: Option<String>,
    /// A parameter; repeatable filters may be given more than once.
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// How to print the answer; a table on a terminal, else csv.
    #[arg(long, value_enum)]
    pub(crate) format: Option<QueryFormat>,
    /// Print what the query takes and gives instead of asking it.
    #[arg(long)]
    pub(crate) describe: bool,
}

/// `granary queries`
#[derive(Debug, Subcommand)]
pub(crate) enum Queries {
    /// Which there are, and where each comes from.
    List {
        /// How to print them; a table on a terminal, else csv.
        #[arg(long, value_enum)]
        format: Option<AnswerFormat>,
    },
    /// What a query answers, takes and gives.
    Show {
        /// The query's name.
        name: String,
    },
    /// Check every file, and every query against the engine; without a warehouse one is started for it.
    Check {
        /// The folder; without it the one of the settings.
        dir: Option<PathBuf>,
    },
    /// Write a file to begin with.
    New {
        /// The query's name.
        name: String,
        /// The group, which is the file's folder.
        #[arg(long, default_value = "ours")]
        group: String,
        /// The folder; without it the one of the settings.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// What a query would read, table by table and index by index; nothing is run.
    Explain {
        /// The query's name.
        name: String,
        /// A parameter; repeatable filters may be given more than once.
        #[arg(long = "param", short = 'p', value_name = "NAME=VALUE")]
        params: Vec<String>,
        /// How to print it; a table on a terminal, else csv.
        #[arg(long, value_enum)]
        format: Option<AnswerFormat>,
    },
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// For people.
    Table,
    /// One document with columns, rows and statistics.
    Json,
    /// An object a row.
    Ndjson,
    /// A line of names, then a line a row.
    Csv,
}

/// How a query's answer is printed: as the gateway answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueryFormat {
    /// For people at a terminal.
    Table,
    /// One document with columns, rows and statistics.
    Json,
    /// An object a row.
    Ndjson,
    /// A line of names, then a line a row.
    Csv,
    /// The same, with tabs.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow's stream.
    Arrow,
    /// Prometheus' text, of queries that have samples.
    Prometheus,
    /// For people's documents.
    Markdown,
}

/// `granary cache`
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Cache {
    /// Have a gateway forget the answers it keeps, so that everything is asked anew.
    Flush,
}

/// `granary sessions`
#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// The sessions of a range, latest first.
    List {
        /// A parameter of the query `sessions`, such as from=-7d, user=…, sort=cost, limit=20.
        #[arg(long = "param", short = 'p', value_name = "NAME=VALUE")]
        params: Vec<String>,
        /// How to print them.
        #[arg(long, value_enum)]
        format: Option<QueryFormat>,
    },
    /// One session: its figures, then its events in order.
    Show {
        /// The session's id.
        session: String,
        /// How many events to print.
        #[arg(long, default_value_t = 50)]
        events: u32,
    },
    /// Archive sessions now.
    Archive {
        /// The sessions; none means all that are due.
        sessions: Vec<String>,
    },
    /// Erase a session for good: its objects, its rows, its share of the rollups.
    Erase {
        /// The session's id.
        session: String,
        /// Whose session it is.
        #[arg(long, default_value = TenantId::DEFAULT)]
        tenant: String,
        /// Do it; without this nothing is erased.
        #[arg(long)]
        yes: bool,
    },
    /// Play a session's events again, at the pace they happened.
    Replay {
        /// The session's id.
        session: String,
        /// How much faster than it happened: 0.1 to 1000, or max.
        #[arg(long, default_value = "1", value_name = "FACTOR")]
        speed: Speed,
        /// The longest pause between two events, such as 5s; by default what the gateway allows, 1m.
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        max_gap: Option<Duration>,
        /// Begin with the events of this time, such as 2026-11-20T09:10:00Z.
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// End before the events of this time.
        #[arg(long, value_name = "TIME")]
        to: Option<Timestamp>,
        /// Only events of these kinds.
        #[arg(long, value_delimiter = ',', value_name = "logs,traces,metrics", value_parser = signal)]
        signals: Vec<Signal>,
        /// Print each event as a JSON object a line.
        #[arg(long)]
        jsonl: bool,
    },
}

fn signal(name: &str) -> Result<Signal, String> {
    let known = Signal::ALL.into_iter().find(|signal| signal.name() == name);
    known.ok_or_else(|| "there are logs, traces and metrics".to_owned())
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

    #[test]
    fn a_share_is_read_as_people_write_it() {
        for (text, share) in [("1%", 0.01), ("100%", 1.0), ("0.5", 0.5), ("0%", 0.0)] {
            assert_eq!(super::share(text), Ok(share));
        }
        for text in ["101%", "-1%", "2", "", "%", "NaN", "all"] {
            assert!(super::share(text).is_err(), "{text}");
        }
    }
}
