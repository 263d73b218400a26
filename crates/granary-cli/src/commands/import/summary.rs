//! What an import has done, for people and for programs.

use std::collections::BTreeMap;

use anyhow::bail;
use serde::Serialize;

use super::item::{Item, Skipped};
use crate::arguments::ReportFormat;
use crate::output;

/// More of them are counted, and were printed as they came.
const MAX_LISTED: usize = 1000;

#[derive(Debug, Serialize)]
pub(super) struct Summary {
    dry_run: bool,
    files: usize,
    /// By the event's name, or the signal's where there is none.
    events: BTreeMap<String, Counts>,
    /// Lines that hold no event, by their type.
    passed_over: BTreeMap<String, u64>,
    /// Lines that cannot be taken.
    skipped: u64,
    skipped_lines: Vec<Skipped>,
    /// Records that the receiver did not take.
    pub(super) refused: u64,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    imported: u64,
    already_there: u64,
}

impl Summary {
    pub(super) fn new(dry_run: bool, files: usize) -> Self {
        let (events, passed_over) = (BTreeMap::new(), BTreeMap::new());
        Self { dry_run, files, events, passed_over, skipped: 0, skipped_lines: Vec::new(), refused: 0 }
    }

    pub(super) fn count(&mut self, new: &[Item], there: &[Item]) {
        for item in new {
            self.events.entry(item.event.clone()).or_default().imported += 1;
        }
        for item in there {
            self.events.entry(item.event.clone()).or_default().already_there += 1;
        }
    }

    pub(super) fn skip(&mut self, skipped: Skipped) {
        self.skipped += 1;
        if self.skipped_lines.len() < MAX_LISTED {
            self.skipped_lines.push(skipped);
        }
    }

    pub(super) fn pass_over(&mut self, kind: String) {
        *self.passed_over.entry(kind).or_default() += 1;
    }

    /// In a few words.
    pub(super) fn brief(&self) -> String {
        let imported: u64 = self.events.values().map(|counts| counts.imported).sum();
        format!("{imported} events, {} lines skipped", self.skipped)
    }

    /// Prints it.
    ///
    /// # Errors
    ///
    /// Something was not taken.
    pub(super) fn print(&self, format: ReportFormat) -> anyhow::Result<()> {
        if format == ReportFormat::Json {
            say!("{}", serde_json::to_string_pretty(self)?);
        } else {
            let imported = if self.dry_run { "would be imported" } else { "imported" };
            let mut table = output::table(["event", imported, "already there"]);
            for (event, counts) in &self.events {
                table.add_row([event, &counts.imported.to_string(), &counts.already_there.to_string()]);
            }
            say!("{table}");
            let passed_over: u64 = self.passed_over.values().sum();
            say!(
                "{} files, {passed_over} lines that hold no event, {} lines skipped, {} records refused",
                self.files,
                self.skipped,
                self.refused
            );
        }
        if self.skipped + self.refused > 0 {
            bail!("{} lines and {} records were not imported", self.skipped, self.refused);
        }
        Ok(())
    }
}
