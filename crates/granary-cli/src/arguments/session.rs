//! Sessions, and what is being done now.

use std::time::Duration;

use clap::{Args, Subcommand};
use granary_archive::Speed;
use granary_model::{Signal, TenantId};
use jiff::Timestamp;

use super::QueryFormat;

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

fn signal(name: &str) -> Result<Signal, String> {
    let known = Signal::ALL.into_iter().find(|signal| signal.name() == name);
    known.ok_or_else(|| "there are logs, traces and metrics".to_owned())
}
