//! What is asked of the archive.

use clap::{Args, Subcommand};

use super::{AnswerFormat, ReportFormat};

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

/// Reads `1%` or `0.01`.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().map(|number| number / whole);
    match share {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is as in 1% or 0.01, from 0 to 100%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
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
