//! Questions, and how answers are printed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
