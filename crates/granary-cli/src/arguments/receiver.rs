//! What a receiver has on its disk, and what it redacts.

use clap::{Subcommand, ValueEnum};

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
