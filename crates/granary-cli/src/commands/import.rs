//! `granary import`: what agents have left on disk, into the warehouse through its own door.
//!
//! Files are read on a thread of their own (`source.rs`, `otlp.rs`, `transcript.rs`), each record becomes an item of one
//! record, and a group of items is held against the warehouse (`known.rs`); what is not there yet is sent to the running
//! receiver (`send.rs`). So imported records take the way of all records: redaction, identity, the log, one insert once.
//!
//! **Why through the receiver and not straight into the tables.** Redaction and the log are there already, and hold for
//! whatever is imported. Idempotence is in two layers that overlap: the receiver knows for `ingest.duplicate_window` what
//! it took, and everything older is in its table, where `known.rs` finds it by its `EventId`.
//!
//! Everything imported has the resource attribute `granary.import` (`otlp` or `transcript`), by which a query can leave it
//! out.

mod item;
mod known;
mod lines;
mod otlp;
mod prices;
mod send;
mod source;
mod summary;
mod transcript;

use std::path::PathBuf;

use anyhow::Context;
use granary_model::TenantId;
use granary_redact::Redactor;
use tokio::sync::mpsc;

use crate::access::Access;
use crate::arguments::Import;
use crate::progress;
use crate::settings::Settings;
use item::{Found, Item};
use known::Known;
use prices::Prices;
use send::Sender;
use source::Reading;
use summary::Summary;

/// Items that are looked up and sent together.
const GROUP: usize = 500;

/// Items that wait between the thread that reads and the one that sends. Each is a line's record at most.
const WAITING: usize = 1000;

pub(crate) async fn run(settings: &Settings, import: &Import) -> anyhow::Result<()> {
    let files = source::files(&import.paths)?;
    let access = Access::open(settings).await?;
    let result = import_into(settings, &access, import, files).await;
    access.close().await;
    result
}

async fn import_into(
    settings: &Settings,
    access: &Access,
    import: &Import,
    files: Vec<PathBuf>,
) -> anyhow::Result<()> {
    let redactor = Redactor::new(&settings.redact).context("the redaction rules cannot be used")?;
    let reader = access.reader();
    let reading = Reading {
        tenant: TenantId::new(import.tenant.as_str()),
        redactor,
        prices: Prices::read(&reader).await?,
        attributes: source::attributes(&import.attributes)?,
        content: import.content,
        signal: import.signal,
    };
    let address = import.to.clone().unwrap_or_else(|| format!("http://{}", settings.ingest.grpc));
    let mut sender =
        if import.dry_run { None } else { Some(Sender::connect(&address, import.token.as_deref()).await?) };
    let mut known = Known::new(reader, TenantId::new(import.tenant.as_str()));
    let mut summary = Summary::new(import.dry_run, files.len());
    let bar = progress::spinner("{spinner} {msg} {elapsed}")?;

    let (found, mut items) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || source::read_all(&files, &reading, &found));
    let mut group = Vec::with_capacity(GROUP);
    while let Some(found) = items.recv().await {
        match found {
            Found::Item(item) => group.push(*item),
            Found::Skipped(skipped) => {
                bar.suspend(|| eprintln!("{skipped}"));
                summary.skip(skipped);
            }
            Found::PassedOver(kind) => summary.pass_over(kind),
            Found::File(path) => bar.set_message(format!("{} {}", summary.brief(), path.display())),
        }
        if group.len() >= GROUP {
            settle(&mut group, &mut known, sender.as_mut(), &mut summary).await?;
        }
    }
    settle(&mut group, &mut known, sender.as_mut(), &mut summary).await?;
    reader.await.context("reading was interrupted")?;
    bar.finish_and_clear();
    summary.print(import.format)
}

/// Looks a group up, and sends what is new of it.
async fn settle(
    group: &mut Vec<Item>,
    known: &mut Known,
    sender: Option<&mut Sender>,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    if group.is_empty() {
        return Ok(());
    }
    let (new, there) = known.split(std::mem::take(group)).await?;
    summary.count(&new, &there);
    if let Some(sender) = sender {
        summary.refused += sender.send(new).await?;
    }
    Ok(())
}
