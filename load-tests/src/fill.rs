//! Fills a warehouse with very many events, quickly: the sessions that it has, over and over, on other days and by other people.
//!
//! What is copied is what simulated sessions left in the tables of logs, spans and metrics (`granary demo`), so tools, models, lines,
//! errors and their order are those of agents. A copy has sessions and traces of its own, people who are those of some other copies, and lies
//! whole days earlier, so the hours of the day stay what they are. Rows go through the tables' views and materialized columns as
//! everybody's do. Copies a week apart of the same people are a small team's years:
//!
//! ```text
//! granary-load fill --days 730 --step 7 --crowds 1 --foreign 0 --events 7000000
//! ```
//!
//! What is not as in life: the attribute maps of copies are equal, so they take less disk than a hundred million real ones.

use anyhow::ensure;
use clap::Args;

use crate::clickhouse::ClickHouse;

/// How much, and how far back.
#[derive(Debug, Args)]
pub(crate) struct FillArguments {
    #[command(flatten)]
    clickhouse: ClickHouse,
    /// How many log records there shall be, about; whole copies are made, of the spans and points as many.
    #[arg(long, default_value_t = 100_000_000)]
    events: u64,
    /// Over how many days they are spread, counted back from the events that are there.
    #[arg(long, default_value_t = 60)]
    days: u64,
    /// Copies of one insert; the more, the fewer parts and the more memory.
    #[arg(long, default_value_t = 4)]
    copies: u64,
    /// By how many days a copy is earlier than the one before; what is copied is of seven.
    #[arg(long, default_value_t = 1)]
    step: u64,
    /// How many times as many people there are as in what is copied.
    #[arg(long, default_value_t = 20)]
    crowds: u64,
    /// One copy in so many belongs to another tenant; 0 is none.
    #[arg(long, default_value_t = 10)]
    foreign: u64,
}

/// A table that is copied, and what of a row belongs to one copy alone.
struct Table {
    name: &'static str,
    /// Columns that are times, beside `IngestedAt`.
    times: &'static [&'static str],
    /// Columns that are lists of times.
    time_lists: &'static [&'static str],
    /// Columns that name traces and spans, in hex, and how many bytes a name has.
    names: &'static [(&'static str, u8)],
}

const POINT_TIMES: &[&str] = &["TimeUnix", "StartTimeUnix"];

/// In the order in which they are copied. Logs come first: from them follows how many copies are made.
const TABLES: [Table; 5] = [
    Table {
        name: "otel_logs",
        times: &["Timestamp"],
        time_lists: &[],
        names: &[("TraceId", 16), ("SpanId", 8)],
    },
    Table {
        name: "otel_traces",
        times: &["Timestamp"],
        time_lists: &["Events.Timestamp"],
        names: &[("TraceId", 16), ("SpanId", 8), ("ParentSpanId", 8)],
    },
    Table::points("otel_metrics_sum"),
    Table::points("otel_metrics_gauge"),
    Table::points("otel_metrics_histogram"),
];

pub(crate) async fn run(arguments: FillArguments) -> anyhow::Result<()> {
    let FillArguments { clickhouse, events, copies, .. } = &arguments;
    let all_are_some =
        [arguments.days, *copies, arguments.step, arguments.crowds].iter().all(|number| *number > 0);
    ensure!(all_are_some, "--days, --copies, --step and --crowds are 1 at least");
    for table in &TABLES {
        clickhouse.ask(&table.keep_aside()).await?;
    }
    let count = async |table: &str| -> anyhow::Result<u64> {
        Ok(clickhouse.ask(&format!("SELECT count() FROM {table}")).await?.trim().parse()?)
    };
    let logs = count(&TABLES[0].source()).await?;
    ensure!(logs > 0, "otel_logs is empty: there is nothing to copy; `granary demo` makes something");
    let wanted = events.div_ceil(logs);
    for table in &TABLES {
        let each = count(&table.source()).await?;
        // What a fill that was stopped has made already stays.
        let mut made = count(table.name).await?.checked_div(each).unwrap_or(wanted);
        while made < wanted {
            let more = (*copies).min(wanted - made);
            clickhouse.ask(&table.copies(made, more, &arguments)).await?;
            made += more;
            println!("{}: {} of {} rows", table.name, made * each, wanted * each);
        }
    }
    for table in &TABLES {
        clickhouse.ask(&format!("DROP TABLE {}", table.source())).await?;
    }
    Ok(())
}

impl Table {
    const fn points(name: &'static str) -> Self {
        Self { name, times: POINT_TIMES, time_lists: &["Exemplars.TimeUnix"], names: &[] }
    }

    /// The table of rows to be copied, kept aside so that copies are not copied.
    fn source(&self) -> String {
        format!("fill_{}", self.name)
    }

    fn keep_aside(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM {}",
            self.source(),
            self.name
        )
    }

    /// The statement that inserts so many copies, from this number on.
    fn copies(&self, first: u64, copies: u64, arguments: &FillArguments) -> String {
        let FillArguments { days, step, crowds, foreign, .. } = arguments;
        let shift = format!("toIntervalDay(copy * {step} % {days})");
        let earlier = |column: &str| format!("`{column}` - {shift} AS `{column}`");
        let mut own: Vec<String> =
            self.times.iter().chain(&["IngestedAt"]).map(|time| earlier(time)).collect();
        own.extend(
            self.time_lists.iter().map(|list| format!("arrayMap(t -> t - {shift}, `{list}`) AS `{list}`")),
        );
        own.extend(self.names.iter().map(|(name, bytes)| {
            let hash = if *bytes == 16 { "sipHash128" } else { "sipHash64" };
            format!("if({name} = '', '', lower(hex({hash}({name}, copy)))) AS {name}")
        }));
        format!(
            "INSERT INTO {} SELECT source.* REPLACE ({}, \
             if(SessionId = '', '', concat(SessionId, '-', toString(copy))) AS SessionId, \
             if(UserId = '', '', concat(toString(copy % {crowds}), UserId)) AS UserId, \
             if({foreign} > 0 AND copy % greatest({foreign}, 1) = 0, 'another', TenantId) AS TenantId, \
             reinterpretAsUInt128(sipHash128(EventId, copy)) AS EventId, \
             reinterpretAsUUID(sipHash128(BatchId, copy)) AS BatchId) \
             FROM {} AS source CROSS JOIN (SELECT {first} + number AS copy FROM numbers({copies})) AS copies \
             SETTINGS insert_deduplicate = 0, max_threads = 1, max_insert_threads = 1, max_partitions_per_insert_block = 0",
            self.name,
            own.join(", "),
            self.source()
        )
    }
}
