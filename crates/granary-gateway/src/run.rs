//! Runs a prepared query within its bounds and hands on the answer as it comes.
//!
//! A query holds a place at the engine from its start to the answer's last byte. Its answer is carried by a task
//! of its own, which keeps at most a few pieces of it: a reader that is slow slows the engine down, one that goes away
//! ends the query, and one that takes longer than it may is cut off. What was cut off never looks complete. What a query
//! read is charged to who asked, and written into the audit, however it ended ([`work`]).

mod error;
mod meter;
mod settings;
mod work;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use granary_clickhouse::{BytesCursor, ClickHouseError, Warehouse};
use granary_model::TenantId;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use self::work::{Bill, Work, note_error};
use crate::audit::{Asked, Audit, Kind, Outcome};
use crate::caller::Account;
use crate::limits::Allowances;
use crate::line::{Guest, LineBounds, NoPlace, Place, QueryLine};
use crate::metrics::Metrics;
use crate::write::Writer;
use crate::{Caller, Format, Limit, PreparedQuery, QueryLimits, Refusal, Scope};

pub(crate) use error::without_values;
pub use error::{Excess, RunError};
pub(crate) use meter::Meter;
pub(crate) use work::OwnWork;

/// What is said to the engine along with a query, whoever asks.
pub(crate) fn settings_of(limits: &QueryLimits) -> impl Iterator<Item = (&'static str, String)> {
    settings::pinned().chain(settings::bounds(limits))
}

/// Pieces of an answer that wait for their reader; then the engine waits too.
const PIECES_AHEAD: usize = 2;

/// Beyond the query's time, how long the engine may take to say that it is over.
const ENGINE_GRACE: Duration = Duration::from_secs(5);

/// Runs queries. Clones share their places and their waiting line.
#[derive(Debug, Clone)]
pub struct Runner {
    warehouse: Warehouse,
    limits: Arc<QueryLimits>,
    line: QueryLine<TenantId, Account>,
    allowances: Arc<Allowances>,
    meter: Option<Meter>,
    audit: Audit,
    metrics: Metrics,
    /// Answers being carried, and queries being left.
    tasks: TaskTracker,
}

impl Runner {
    /// `warehouse` should be a user that can read and nothing else.
    #[must_use]
    pub fn new(warehouse: Warehouse, limits: QueryLimits) -> Self {
        let line = QueryLine::new(LineBounds {
            places: limits.max_concurrent_queries.get(),
            places_of_tenant: limits.max_concurrent_per_tenant,
            waiting: limits.max_waiting_queries,
            max_wait: limits.max_wait,
        });
        Self {
            warehouse,
            limits: Arc::new(limits),
            line,
            allowances: Arc::new(Allowances::unlimited()),
            meter: None,
            audit: Audit::off(),
            metrics: Metrics::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// The same within these allowances.
    pub(crate) fn within(self, allowances: Arc<Allowances>, metrics: Metrics) -> Self {
        Self { allowances, metrics, ..self }
    }

    /// The same with its queries watched and written down.
    pub(crate) fn watched(self, meter: Meter, audit: Audit) -> Self {
        Self { meter: Some(meter), audit, ..self }
    }

    pub(crate) fn line(&self) -> QueryLine<TenantId, Account> {
        self.line.clone()
    }

    /// Returns when no answer is being carried any more, and what each came to is written down.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(crate) fn limits(&self) -> Arc<QueryLimits> {
        Arc::clone(&self.limits)
    }

    /// Where the tables are.
    pub(crate) fn database(&self) -> &str {
        self.warehouse.database()
    }

    /// Waits for the turn of a statement of the caller's own, which has that id at the engine.
    ///
    /// # Errors
    ///
    /// It gets none.
    pub(crate) async fn begin_own(
        &self,
        caller: &Caller,
        query_id: String,
        mut asked: Asked,
    ) -> Result<OwnWork, Refusal> {
        let came = Instant::now();
        let place = self.place_for(caller).await.inspect_err(|refusal| {
            self.metrics.refused(refusal);
            asked.ended(Outcome::Refused, refusal.limit.name());
            asked.answered(crate::problem::status_of(refusal));
        })?;
        asked.note(|entry| entry.wait = came.elapsed());
        let reading = Arc::default();
        Ok(OwnWork::new(Bill {
            watched: self.meter.as_ref().map(|meter| meter.watch(query_id, &reading)),
            reading,
            caller: caller.clone(),
            allowances: Arc::clone(&self.allowances),
            metrics: self.metrics.clone(),
            asked,
            _place: place,
        }))
    }

    /// Has a task ended before the gateway closes its books.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task.in_current_span());
    }

    /// The warehouse that it asks.
    pub(crate) fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// Runs a query on the process's own account; see [`Self::run_for`].
    pub async fn run(&self, query: &PreparedQuery, format: Format) -> Result<Answer, RunError> {
        self.run_for(query, format, &Caller::local(), Uuid::now_v7()).await
    }

    /// Runs a query. Returns once the beginning of the answer is there, so most of what can go wrong does so
    /// here; the rest comes as the answer's last item.
    ///
    /// `request` is the query's id at the engine and must be new.
    ///
    /// # Errors
    ///
    /// [`RunError`] says what the caller may do.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the query; dropping the answer does too.
    pub async fn run_for(
        &self,
        query: &PreparedQuery,
        format: Format,
        caller: &Caller,
        request: Uuid,
    ) -> Result<Answer, RunError> {
        let mut asked = self.audit.begin(caller, request, Kind::Query);
        asked.note(|entry| {
            query.name().clone_into(&mut entry.query);
            format.name().clone_into(&mut entry.format);
        });
        asked.note_parameters(query.bindings());
        let limits = &self.limits;
        let writer = Writer::new(query, format)?;
        let came = Instant::now();
        let place = match self.place_for(caller).await {
            Ok(place) => place,
            Err(refusal) => {
                self.metrics.refused(&refusal);
                let error = RunError::Refused(refusal);
                note_error(&mut asked, &error);
                asked.answered(crate::problem::status(&error));
                return Err(error);
            }
        };
        asked.note(|entry| entry.wait = came.elapsed());
        let start = Instant::now();
        let started = match self.check_owners(query).await {
            Ok(()) => self
                .start(query, format, caller, request)
                .map_err(|error| RunError::from_engine(error, limits)),
            Err(error) => Err(error),
        };
        let cursor = started.inspect_err(|error| {
            note_error(&mut asked, error);
            asked.answered(crate::problem::status(error));
        })?;
        let reading = Arc::default();
        let bill = Bill {
            watched: self.meter.as_ref().map(|meter| meter.watch(request.to_string(), &reading)),
            reading,
            caller: caller.clone(),
            allowances: Arc::clone(&self.allowances),
            metrics: self.metrics.clone(),
            asked,
            _place: place,
        };
        let mut work = Work::new(cursor, bill, self.tasks.clone());
        let first = timeout_at(start + limits.max_query_time + ENGINE_GRACE, work.next()).await;
        let first = match first {
            Ok(first) => first.map_err(|error| RunError::from_engine(error, limits)),
            Err(_) => Err(RunError::TimedOut { after: limits.max_query_time }),
        };
        let first = first.inspect_err(|error| work.refused(error))?;
        work.begun();
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let carrier = Carrier {
            work,
            writer,
            sender,
            deadline: start + limits.max_answer_time,
            limits: Arc::clone(limits),
        };
        self.tasks.spawn(carrier.carry(first).in_current_span());
        Ok(Answer { pieces: Some(receiver), limit: limits.max_answer_time })
    }

    /// Waits for a caller's turn, where it has anything left to read.
    async fn place_for(&self, caller: &Caller) -> Result<Place<TenantId, Account>, Refusal> {
        self.allowances.may_read(caller)?;
        let guest = Guest {
            tenant: caller.tenant().clone(),
            account: caller.account().clone(),
            places: self.allowances.concurrent(caller),
            waiting: self.limits.max_waiting_per_caller,
        };
        let place = self.line.enter(guest).await.map_err(|none| self.refusal(none))?;
        // What was read while it waited counts, too.
        self.allowances.may_read(caller)?;
        Ok(place)
    }

    fn refusal(&self, none: NoPlace) -> Refusal {
        let all = self.limits.max_concurrent_queries.get();
        let (limit, of, value) = match none {
            NoPlace::OwnLineFull { most } => (Limit::Waiting, Scope::Caller, most),
            NoPlace::LineFull { most } => (Limit::Waiting, Scope::Total, most),
            NoPlace::TooLong => (Limit::Concurrent, Scope::Total, all),
            NoPlace::TooLongAtOwnBound { most } => (Limit::Concurrent, Scope::Caller, most),
            NoPlace::TooLongAtTenantBound { most } => (Limit::Concurrent, Scope::Tenant, most),
        };
        Refusal { limit, of, value: value.into(), reset: self.limits.max_wait }
    }

    /// Looks whether the session that a query is about is one that its caller may see.
    async fn check_owners(&self, query: &PreparedQuery) -> Result<(), RunError> {
        let Some((session, owners)) = query.owned_session() else { return Ok(()) };
        match owners.have(session, query.tenant(), &self.warehouse, &self.limits).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(RunError::UnknownSession { session: session.to_owned() }),
            Err(error) => Err(RunError::from_engine(error, &self.limits)),
        }
    }

    fn start(
        &self,
        query: &PreparedQuery,
        format: Format,
        caller: &Caller,
        request: Uuid,
    ) -> Result<BytesCursor, ClickHouseError> {
        let comment = serde_json::json!({ "query": query.name(), "tenant": query.tenant(), "caller": caller.to_string() });
        let mut statement = self
            .warehouse
            .query(query.sql())
            .with_setting("query_id", request.to_string())
            .with_setting("log_comment", comment.to_string());
        for (name, value) in settings_of(&self.limits) {
            statement = statement.with_setting(name, value);
        }
        for (name, value) in query.bindings() {
            statement = statement.param(name, value);
        }
        Ok(statement.fetch_bytes(format.engine_name())?)
    }
}

/// What a carrier hands to an answer: a piece, or that all is said.
type Piece = Result<Option<Bytes>, RunError>;

/// An answer's bytes as they come. Dropping it ends the query.
#[derive(Debug)]
pub struct Answer {
    /// None once the last item was given.
    pieces: Option<mpsc::Receiver<Piece>>,
    limit: Duration,
}

impl Stream for Answer {
    type Item = Result<Bytes, RunError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        let item = match std::task::ready!(pieces.poll_recv(context)) {
            Some(Ok(Some(piece))) => return Poll::Ready(Some(Ok(piece))),
            Some(Ok(None)) => None,
            Some(Err(error)) => Some(Err(error)),
            // The carrier was out of time while its last piece was not taken.
            None => Some(Err(RunError::TooSlowlyRead { after: self.limit })),
        };
        self.pieces = None;
        Poll::Ready(item)
    }
}

/// Carries an answer from the engine to its reader.
struct Carrier {
    work: Work,
    writer: Writer,
    sender: mpsc::Sender<Piece>,
    deadline: Instant,
    limits: Arc<QueryLimits>,
}

impl Carrier {
    /// Ends when all is carried, when the reader went away, or at the deadline.
    async fn carry(mut self, first: Option<Bytes>) {
        let mut next = first;
        while let Some(piece) = next {
            match self.writer.push(piece) {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => {
                    if !self.hand_over(Ok(Some(piece))).await {
                        return;
                    }
                }
                Err(error) => return self.fail(error).await,
            }
            next = match self.next_piece().await {
                None => return,
                Some(Ok(piece)) => piece,
                Some(Err(error)) => return self.fail(error).await,
            };
        }
        match self.writer.finish() {
            Ok(rest) => {
                if (rest.is_empty() || self.hand_over(Ok(Some(rest))).await) && self.hand_over(Ok(None)).await
                {
                    self.work.ok();
                }
            }
            Err(error) => self.fail(error).await,
        }
    }

    async fn fail(&mut self, error: RunError) {
        tracing::warn!(%error, "a query failed after its answer had begun");
        self.work.failed(&error);
        self.hand_over(Err(error)).await;
    }

    /// What the engine says next; nothing if the reader went away meanwhile.
    async fn next_piece(&mut self) -> Option<Piece> {
        let piece = tokio::select! {
            biased;
            () = self.sender.closed() => return None,
            piece = timeout_at(self.deadline, self.work.next()) => piece,
        };
        Some(match piece {
            Ok(piece) => piece.map_err(|error| RunError::from_engine(error, &self.limits)),
            Err(_) => Err(RunError::TooSlowlyRead { after: self.limits.max_answer_time }),
        })
    }

    /// Whether the reader took it in time.
    async fn hand_over(&mut self, item: Piece) -> bool {
        if let Ok(Some(piece)) = &item {
            self.work.given(piece.len());
        }
        match timeout_at(self.deadline, self.sender.send(item)).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                self.work.failed(&RunError::TooSlowlyRead { after: self.limits.max_answer_time });
                false
            }
        }
    }
}
