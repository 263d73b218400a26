//! What the warehouse has already, from an earlier import or from the live telemetry.
//!
//! An item is there if
//!
//! 1. its `EventId` is in a table of its signal: the same record was imported or received before; or
//! 2. it is from a transcript, and an event of the same name within a day of its time has the same `request_id`
//!    (`api_request`, `assistant_response`), `message.uuid` (`user_prompt`, `compaction`) or `tool_use_id` (`tool_result`),
//!    in whatever session: a resumed session's file repeats what came before; or
//! 3. it is from a transcript, and an event of the same name and session within two seconds has none of these attributes: a
//!    client from before they were sent (2.1.119 to 2.1.214, by attribute). `compaction` never has them.
//!
//! What remains ambiguous: live events that arrive after the import (a client that was offline) are stored beside the
//! imported ones, because the live event has another time and so another `EventId`. Clients on Bedrock and Vertex send no
//! `request_id`; their requests are compared by rule 3, and two real ones within two seconds of an old one count as one.

use std::collections::{HashMap, HashSet};

use granary_clickhouse::{TABLES, Warehouse};
use granary_model::TenantId;

use super::item::{Item, Natural, NaturalKey, One};

/// Compared to the nanosecond in the live telemetry and in transcripts, times of one event differ by less.
const CLOSE_NANOS: u64 = 2_000_000_000;

const DAY_NANOS: u64 = 24 * 3600 * 1_000_000_000;

/// Names that were seen in this run, which may not be in a table yet. With more of them all are forgotten: most are in the
/// tables by then, and of the last ones the receiver knows the `EventId`s.
const MAX_SEEN: usize = 500_000;

pub(super) struct Known {
    warehouse: Warehouse,
    tenant: TenantId,
    seen: HashSet<u128>,
    seen_natural: HashSet<(String, Natural)>,
}

/// Live events of one name and session that have no name of their own.
type Unnamed = HashMap<(String, String), Vec<u64>>;

/// Event, session, time, request, message, tool use.
type LiveRow = (String, String, i64, String, String, String);

impl Known {
    pub(super) fn new(warehouse: Warehouse, tenant: TenantId) -> Self {
        Self { warehouse, tenant, seen: HashSet::new(), seen_natural: HashSet::new() }
    }

    /// Parts what is new from what is there.
    pub(super) async fn split(&mut self, items: Vec<Item>) -> anyhow::Result<(Vec<Item>, Vec<Item>)> {
        let ids = self.ids(&items).await?;
        let (natural, unnamed) = self.live(&items).await?;
        if self.seen.len() > MAX_SEEN {
            self.seen.clear();
            self.seen_natural.clear();
        }
        let mut new = Vec::new();
        let mut there = Vec::new();
        for item in items {
            let name = item.natural.clone().map(|natural| (item.event.clone(), natural));
            let mut is_there = ids.contains(&item.id) || !self.seen.insert(item.id);
            if let Some(name) = name {
                is_there |= natural.contains(&name) || has_close(&unnamed, &item);
                is_there |= !self.seen_natural.insert(name);
            }
            if is_there { there.push(item) } else { new.push(item) }
        }
        Ok((new, there))
    }

    /// Which of the items' ids are in the tables.
    async fn ids(&self, items: &[Item]) -> anyhow::Result<HashSet<u128>> {
        let mut found = HashSet::new();
        for table in TABLES {
            let of_table = |item: &&Item| match &item.one {
                One::Logs(_) => table == "otel_logs",
                One::Traces(_) => table == "otel_traces",
                One::Metrics(_) => table.starts_with("otel_metrics_"),
            };
            let of: Vec<&Item> = items.iter().filter(of_table).collect();
            let Some((from, to)) = range(&of, 0) else { continue };
            let time = if table.starts_with("otel_metrics_") { "TimeUnix" } else { "Timestamp" };
            let sql = format!(
                "SELECT toString(EventId) FROM {table} WHERE TenantId = {{tenant:String}} \
                 AND {time} >= fromUnixTimestamp64Nano({{from:Int64}}) AND {time} <= fromUnixTimestamp64Nano({{to:Int64}}) \
                 AND EventId IN (SELECT toUInt128(arrayJoin({{ids:Array(String)}})))"
            );
            let ids: Vec<String> = of.iter().map(|item| item.id.to_string()).collect();
            let query = self.warehouse.query(&sql).param("tenant", self.tenant.as_str());
            let query = query.param("from", from).param("to", to).param("ids", ids);
            let ids: Vec<String> = query.fetch_all().await?;
            found.extend(ids.iter().filter_map(|id| id.parse::<u128>().ok()));
        }
        Ok(found)
    }

    /// The events that transcripts know, too, around the items' time.
    async fn live(&self, items: &[Item]) -> anyhow::Result<(HashSet<(String, Natural)>, Unnamed)> {
        const SQL: &str = "SELECT AgentEvent, SessionId, toUnixTimestamp64Nano(Timestamp), LogAttributes['request_id'], \
             LogAttributes['message.uuid'], LogAttributes['tool_use_id'] FROM otel_logs \
             WHERE TenantId = {tenant:String} AND Timestamp >= fromUnixTimestamp64Nano({from:Int64}) \
             AND Timestamp <= fromUnixTimestamp64Nano({to:Int64}) \
             AND AgentEvent IN ('user_prompt', 'api_request', 'assistant_response', 'tool_result', 'compaction') \
             AND (LogAttributes['request_id'] IN {values:Array(String)} OR LogAttributes['message.uuid'] IN {values:Array(String)} \
             OR LogAttributes['tool_use_id'] IN {values:Array(String)} OR (SessionId IN {sessions:Array(String)} \
             AND LogAttributes['request_id'] = '' AND LogAttributes['message.uuid'] = '' AND LogAttributes['tool_use_id'] = ''))";
        let of: Vec<&Item> = items.iter().filter(|item| item.natural.is_some()).collect();
        let (mut natural, mut unnamed) = (HashSet::new(), Unnamed::new());
        let Some((from, to)) = range(&of, DAY_NANOS) else { return Ok((natural, unnamed)) };
        let values: HashSet<&str> =
            of.iter().filter_map(|item| Some(item.natural.as_ref()?.value.as_str())).collect();
        let sessions: HashSet<&str> = of.iter().map(|item| item.session.as_str()).collect();
        let query = self.warehouse.query(SQL).param("tenant", self.tenant.as_str());
        let query = query.param("from", from).param("to", to);
        let query = query.param("values", Vec::from_iter(values)).param("sessions", Vec::from_iter(sessions));
        for (event, session, time, request_id, message_uuid, tool_use_id) in
            query.fetch_all::<LiveRow>().await?
        {
            if request_id.is_empty() && message_uuid.is_empty() && tool_use_id.is_empty() {
                unnamed.entry((event, session)).or_default().push(u64::try_from(time).unwrap_or_default());
                continue;
            }
            for (key, value) in [
                (NaturalKey::RequestId, request_id),
                (NaturalKey::MessageUuid, message_uuid),
                (NaturalKey::ToolUseId, tool_use_id),
            ] {
                natural.insert((event.clone(), Natural { key, value }));
            }
        }
        Ok((natural, unnamed))
    }
}

fn has_close(unnamed: &Unnamed, item: &Item) -> bool {
    let times = unnamed.get(&(item.event.clone(), item.session.clone()));
    times.into_iter().flatten().any(|time| time.abs_diff(item.time_unix_nano) <= CLOSE_NANOS)
}

/// The items' time, widened.
fn range(items: &[&Item], by: u64) -> Option<(i64, i64)> {
    let times = || items.iter().map(|item| item.time_unix_nano);
    let bound = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    Some((bound(times().min()?.saturating_sub(by)), bound(times().max()?.saturating_add(by))))
}
