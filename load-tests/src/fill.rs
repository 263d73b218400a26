//! Fills a warehouse with very many events, quickly: the sessions that it has, over and over, on other days and by other people.
//!
//! What is copied is what simulated sessions left in `otel_logs` (`granary demo`), so tools, models, lines, errors and their order are
//! those of agents. A copy has sessions and people of its own, and lies as many whole days earlier as its number says, so the hours of the
//! day stay what they are. One copy in ten belongs to another tenant. Rows go through the table's views and materialized columns
//! as everybody's do.
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
    /// How many events there shall be, about; whole copies are made.
    #[arg(long, default_value_t = 100_000_000)]
    events: u64,
    /// Over how many days they are spread, counted back from the events that are there.
    #[arg(long, default_value_t = 60)]
    days: u64,
    /// Copies of one insert; the more, the fewer parts and the more memory.
    #[arg(long, default_value_t = 4)]
    copies: u64,
}

/// The events to be copied, kept aside so that copies are not copied.
const SOURCE: &str =
    "CREATE TABLE IF NOT EXISTS fill_source ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM otel_logs";

pub(crate) async fn run(arguments: FillArguments) -> anyhow::Result<()> {
    let FillArguments { clickhouse, events, days, copies } = arguments;
    ensure!(days > 0 && copies > 0, "a fill takes at least one day and one copy an insert");
    clickhouse.ask(SOURCE).await?;
    let each: u64 = clickhouse.ask("SELECT count() FROM fill_source").await?.trim().parse()?;
    ensure!(each > 0, "otel_logs is empty: there is nothing to copy; `granary demo` makes something");
    let mut there: u64 = clickhouse.ask("SELECT count() FROM otel_logs").await?.trim().parse()?;
    let mut copy = there / each;
    while there < events {
        clickhouse.ask(&copies_of(copy, copies, days)).await?;
        copy += copies;
        there += each * copies;
        println!("{there} of {events} events");
    }
    clickhouse.ask("DROP TABLE fill_source").await.map(drop)
}

/// The statement that inserts the copies from this number on.
fn copies_of(first: u64, copies: u64, days: u64) -> String {
    format!(
        "INSERT INTO otel_logs SELECT source.* REPLACE (\
         Timestamp - toIntervalDay(copy % {days}) AS Timestamp, \
         if(SessionId = '', '', concat(SessionId, '-', toString(copy))) AS SessionId, \
         if(UserId = '', '', concat(toString(copy % 20), UserId)) AS UserId, \
         if(copy % 10 = 9, 'another', TenantId) AS TenantId, \
         reinterpretAsUInt128(sipHash128(EventId, copy)) AS EventId, \
         reinterpretAsUUID(sipHash128(BatchId, copy)) AS BatchId, \
         IngestedAt - toIntervalDay(copy % {days}) AS IngestedAt) \
         FROM fill_source AS source CROSS JOIN (SELECT {first} + number AS copy FROM numbers({copies})) AS copies \
         SETTINGS insert_deduplicate = 0, max_threads = 1, max_insert_threads = 1, max_partitions_per_insert_block = 0"
    )
}
