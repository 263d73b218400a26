//! What would very many agents send at once?
//!
//! [`LogBatches`] makes requests without end, each of one client's log records, every record with ids and a time of its
//! own. The records are those of simulated sessions, played once; what makes them unique (ids, times, tokens, costs,
//! durations) is written over the old values in place, which is a great deal cheaper than making them.
//!
//! What belongs together stays together: a decision and its result carry the same `tool_use_id`, a prompt's records the
//! same `prompt.id`, and one pass over a session's records is one session.

mod patch;

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use crate::dice::{Dice, mix};
use crate::export::logs_request;
use crate::people::User;
use crate::planner::{Recipe, Style};
use crate::prices::Model;
use crate::project::{PROJECTS, Project};
use crate::session::{Request, SimulatedSession};
use patch::{Patcher, Patches};

/// Clients that send in turn.
const CLIENTS: usize = 24;

/// The fewest records a client's sessions have before they come again with other ids.
const FEWEST_RECORDS: usize = 240;

/// 2026-11-20T00:00:00Z.
const FIRST_UNIX_NANO: u64 = 1_795_132_800_000_000_000;

/// A millisecond, the precision of the agents' clocks, so that no two times are the same.
const SPACING_NANO: u64 = 1_000_000;

/// Log requests without end.
///
/// As an [`Iterator`] it gives each request away; [`advance`](Self::advance) lends it and is cheaper.
#[derive(Debug)]
pub struct LogBatches {
    clients: Vec<Client>,
    next: usize,
    patcher: Patcher,
}

/// Totals of what was made so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Log records.
    pub records: u64,
    /// `api_request` events.
    pub api_requests: u64,
    /// Their cost in nano-dollars.
    pub cost_nano_usd: u64,
    /// `tool_result` events.
    pub tool_results: u64,
    /// Those of them that say `success` = `false`.
    pub tool_failures: u64,
}

#[derive(Debug)]
struct Client {
    batches: Vec<Batch>,
    next: usize,
    /// How often the batches have come round, which makes new ids of the old ones.
    round: u64,
    salt: u64,
}

#[derive(Debug)]
struct Batch {
    request: ExportLogsServiceRequest,
    patches: Vec<Patches>,
}

impl LogBatches {
    /// Makes requests of this many records, at least one. Two seeds never give the same id.
    pub fn new(seed: u64, records_per_request: usize) -> Self {
        Self::of_clients(CLIENTS, seed, records_per_request)
    }

    /// The same of so many clients that take turns; making one takes time and memory.
    pub fn of_clients(clients: usize, seed: u64, records_per_request: usize) -> Self {
        let mut dice = Dice::new(seed);
        let records_per_request = records_per_request.max(1);
        let organization = dice.uuid();
        let clients = (0..clients.max(1))
            .map(|place| Client::new(&mut dice, place, &organization, records_per_request))
            .collect();
        Self { clients, next: 0, patcher: Patcher::new(dice.seed(), FIRST_UNIX_NANO, SPACING_NANO) }
    }

    /// Sets the time of the next record; without it, records start at 2026-11-20T00:00:00Z.
    #[must_use]
    pub fn starting_at(mut self, unix_nano: u64) -> Self {
        self.patcher.next_unix_nano = unix_nano;
        self
    }

    /// Sets how far apart the records are in time, in nanoseconds; without it, a millisecond.
    #[must_use]
    pub fn spaced(mut self, nanoseconds: u64) -> Self {
        self.patcher.spacing_nano = nanoseconds;
        self
    }

    /// Makes the next request. It is written over when the same client's turn comes again.
    pub fn advance(&mut self) -> &ExportLogsServiceRequest {
        let next = (self.next + 1) % self.clients.len();
        let client = &mut self.clients[std::mem::replace(&mut self.next, next)];
        self.patcher.enter(client.salt, client.round);
        let place = client.take_turn();
        let batch = &mut client.batches[place];
        let records = batch.request.resource_logs.iter_mut().flat_map(|logs| &mut logs.scope_logs);
        for (record, patches) in records.flat_map(|logs| &mut logs.log_records).zip(&batch.patches) {
            self.patcher.patch(record, patches);
        }
        &batch.request
    }

    /// Returns the totals of all requests so far.
    pub fn sent(&self) -> Sent {
        self.patcher.sent
    }
}

impl Iterator for LogBatches {
    type Item = ExportLogsServiceRequest;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.advance().clone())
    }
}

impl Client {
    fn new(dice: &mut Dice, place: usize, organization: &str, records_per_request: usize) -> Self {
        // With an API key, as in the capture the other collectors were measured with: the records are as large.
        let user = Arc::new(User { signed_in: false, ..User::new(dice, place, organization, "load") });
        let project = PROJECTS[place % PROJECTS.len()];
        let mut records = Vec::new();
        let mut identity = None;
        while records.len() < FEWEST_RECORDS.max(records_per_request) {
            let session = play(dice, &user, project, records.is_empty() && place.is_multiple_of(8));
            records.extend(log_records(&session));
            identity.get_or_insert_with(|| session.identity());
        }
        let batches = identity.map_or_else(Vec::new, |identity| {
            records
                .chunks_exact(records_per_request)
                .map(|records| Batch {
                    request: logs_request(&identity, records.to_vec()),
                    patches: records.iter().map(Patches::of).collect(),
                })
                .collect()
        });
        Self { batches, next: 0, round: 0, salt: mix(dice.seed()) }
    }

    /// Returns the place of the batch that is next.
    fn take_turn(&mut self) -> usize {
        let place = self.next;
        self.next += 1;
        if self.next == self.batches.len() {
            self.next = 0;
            self.round += 1;
        }
        place
    }
}

fn play(dice: &mut Dice, user: &Arc<User>, project: Project, leaks: bool) -> SimulatedSession {
    let recipe = Recipe {
        seed: dice.seed(),
        session_id: dice.uuid(),
        model: dice.weighted(&[(Model::Sonnet46, 6.0), (Model::Opus46, 2.8), (Model::Haiku45, 0.8)]),
        style: Style::Usual,
        leaks,
        resumed: false,
        limit_ms: u64::MAX,
    };
    SimulatedSession::play(recipe, Arc::clone(user), project, |_| 0)
}

fn log_records(session: &SimulatedSession) -> impl Iterator<Item = LogRecord> {
    session
        .requests()
        .into_iter()
        .flat_map(|request| match request.body {
            Request::Logs(logs) => logs.resource_logs,
            Request::Traces(_) | Request::Metrics(_) => Vec::new(),
        })
        .flat_map(|logs| logs.scope_logs)
        .flat_map(|logs| logs.log_records)
}
