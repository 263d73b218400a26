//! One insert of a restore: rows of one session, table and month, under a token that follows from what they are.

use granary_clickhouse::{
    Append, Envelope, GroupRef, Insert, LogColumns, MetricColumns, Row, SpanColumns, TableColumns,
};
use granary_model::{EventId, Record, Records};
use uuid::Uuid;

use super::record::{OneRecord, Restorable};
use crate::digest::Digest;
use crate::names::SessionName;

/// Rows that are inserted together, all of them or none.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) table: &'static str,
    pub(super) month: u32,
    pub(super) token: String,
    pub(super) ids: Vec<u128>,
    pub(super) rows: Vec<Restorable>,
}

impl Unit {
    /// Names the rows' insert. Two restores of the same session that find the same rows missing at the same time give it
    /// the same name, so that the server takes one of the two.
    pub(super) fn new(
        session: &SessionName,
        epoch: u32,
        (table, month): (&'static str, u32),
        rows: Vec<Restorable>,
    ) -> Self {
        let ids: Vec<u128> = rows.iter().map(|row| row.stored.event_id).collect();
        let of_session = Digest::default().text(session.tenant.as_str()).text(&session.session).text(table);
        let of_insert = of_session.number(epoch.to_le_bytes()).number(month.to_le_bytes());
        let hex = ids.iter().fold(of_insert, |digest, id| digest.number(id.to_le_bytes())).hex();
        Self { table, month, token: format!("restore {hex}"), ids, rows }
    }

    /// The rows as the server takes them.
    pub(super) fn seal(&self, session: &SessionName) -> Insert {
        let (mut logs, mut spans, mut points) =
            (LogColumns::default(), SpanColumns::default(), MetricColumns::default());
        for row in &self.rows {
            match &row.record {
                OneRecord::Log(records) => append(&mut logs, session, row, records),
                OneRecord::Span(records) => append(&mut spans, session, row, records),
                OneRecord::Point(records) => append(&mut points, session, row, records),
            }
        }
        let mut frames = Vec::new();
        // All rows are of one table; the others' columns are empty.
        seal(&logs, &mut frames);
        seal(&spans, &mut frames);
        seal(&points.gauge, &mut frames);
        seal(&points.sum, &mut frames);
        seal(&points.histogram, &mut frames);
        seal(&points.exponential_histogram, &mut frames);
        seal(&points.summary, &mut frames);
        Insert {
            table: self.table,
            rows: self.rows.len(),
            token: self.token.clone(),
            frames: vec![frames.into()],
        }
    }
}

fn append<R: Record, C: Append<R>>(
    columns: &mut C,
    session: &SessionName,
    row: &Restorable,
    records: &Records<R>,
) {
    let Some(record) = records.records.first() else { return };
    let Restorable { info, stored, .. } = row;
    let mut facts = record.facts(&records.resource);
    // The object is this session's, whatever attribute a later version reads a session from.
    facts.session = &session.session;
    if let Some(team) = &stored.team {
        facts.team = team;
    }
    let redacted_fields: Vec<&str> = stored.redacted_fields.iter().map(String::as_str).collect();
    columns.append_row(Row {
        envelope: Envelope {
            tenant: session.tenant.as_str(),
            ingested_at_ms: info.ingested_at_ms,
            batch: stored.batch.unwrap_or(Uuid::nil()),
        },
        group: GroupRef::from(records),
        record,
        facts: &facts,
        event_id: EventId(stored.event_id),
        time_out_of_range: stored
            .time_out_of_range
            .unwrap_or_else(|| is_out_of_range(info.time_unix_nano, info.ingested_at_ms)),
        redacted_fields: &redacted_fields,
    });
}

fn seal(columns: &impl TableColumns, frames: &mut Vec<u8>) {
    if columns.rows() > 0 {
        columns.seal(&mut Vec::new(), frames);
    }
}

/// The rule of the tables' `DEFAULT`, for objects of the format that did not keep the answer.
fn is_out_of_range(unix_nano: u64, ingested_at_ms: i64) -> bool {
    const DAY_MS: i64 = 24 * 3_600_000;
    let ms = i64::try_from(unix_nano / 1_000_000).unwrap_or(i64::MAX);
    ms < ingested_at_ms - 366 * DAY_MS || ms > ingested_at_ms + DAY_MS
}
