//! What is brought in from elsewhere.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use granary_model::TenantId;

use super::ReportFormat;

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
