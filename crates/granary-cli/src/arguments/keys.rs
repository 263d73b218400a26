//! Who may send and ask.

use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Subcommand};
use granary_access::{Network, Role};
use granary_model::TenantId;

use super::AnswerFormat;

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

/// `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as project=granary")?;
    Ok((name.to_owned(), value.to_owned()))
}
