//! Runs a prepared query within its bounds and hands on the answer as it comes.
//!
//! A query holds a place at the engine from its start to the answer's last byte. Its answer is carried by a task
//! of its own, which keeps at most a few pieces of it: a reader that is slow slows the engine down, one that goes away
//! ends the query, and one that takes longer than it may is cut off. What was cut off never looks complete.

mod error;
mod settings;

use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use granary_clickhouse::{BytesCursor, ClickHouseError, Warehouse};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use uuid::Uuid;

use crate::line::{Place, QueryLine};
use crate::numbers::QuoteLargeIntegers;
use crate::{Caller, PreparedQuery, QueryLimits};

pub use error::RunError;
pub(crate) use error::without_values;

/// What is said to the engine along with a query, whoever asks.
pub(crate) fn settings_of(limits: &QueryLimits) -> impl Iterator<Item = (&'static str, String)> {
    settings::pinned().chain(settings::bounds(limits))
}

/// Pieces of an answer that wait for their reader; then the engine waits too.
const PIECES_AHEAD: usize = 2;

/// Beyond the query's time, how long the engine may take to say that it is over.
const ENGINE_GRACE: Duration = Duration::from_secs(5);

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One document in the shape of ClickHouse's `JSON`.
    Json,
    /// A line of names and a line for each row.
    Csv,
    /// An object for each row, one a line.
    Ndjson,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Ndjson];

    /// The name, which is the ending in an address.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    const fn engine_name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Csv => "CSVWithNames",
            Self::Ndjson => "JSONEachRow",
        }
    }
}

/// The text is no format's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no format; there are json, csv and ndjson")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Self, FormatError> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| FormatError(name.to_owned()))
    }
}

/// Runs queries. Clones share their places and their waiting line.
#[derive(Debug, Clone)]
pub struct Runner {
    warehouse: Warehouse,
    limits: Arc<QueryLimits>,
    line: QueryLine,
}

impl Runner {
    /// `warehouse` should be a user that can read and nothing else.
    #[must_use]
    pub fn new(warehouse: Warehouse, limits: QueryLimits) -> Self {
        let line = QueryLine::new(limits.max_concurrent_queries, limits.max_waiting_queries, limits.max_wait);
        Self { warehouse, limits: Arc::new(limits), line }
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
        let limits = &self.limits;
        let place = self.line.enter().await.ok_or(RunError::Busy { retry_after: limits.max_wait })?;
        let start = Instant::now();
        let failed = |error: ClickHouseError| RunError::from_engine(error, limits.max_query_time);
        let mut cursor = self.start(query, format, caller, request).map_err(failed)?;
        let first = timeout_at(start + limits.max_query_time + ENGINE_GRACE, cursor.next())
            .await
            .map_err(|_| RunError::TimedOut { after: limits.max_query_time })?
            .map_err(|error| failed(error.into()))?;
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let carrier = Carrier {
            cursor,
            numbers: (format != Format::Csv).then(QuoteLargeIntegers::default),
            sender,
            deadline: start + limits.max_answer_time,
            limits: Arc::clone(limits),
            _place: place,
        };
        tokio::spawn(carrier.carry(first).in_current_span());
        Ok(Answer { pieces: Some(receiver), limit: limits.max_answer_time })
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
    cursor: BytesCursor,
    numbers: Option<QuoteLargeIntegers>,
    sender: mpsc::Sender<Piece>,
    deadline: Instant,
    limits: Arc<QueryLimits>,
    _place: Place,
}

impl Carrier {
    /// Ends when all is carried, when the reader went away, or at the deadline.
    async fn carry(mut self, first: Option<Bytes>) {
        let mut next = first;
        while let Some(piece) = next {
            let piece = match &mut self.numbers {
                Some(numbers) => numbers.push(&piece),
                None => piece,
            };
            if !self.hand_over(Ok(Some(piece))).await {
                return;
            }
            next = match self.next_piece().await {
                None => return,
                Some(Ok(piece)) => piece,
                Some(Err(error)) => {
                    tracing::warn!(%error, "a query failed after its answer had begun");
                    self.hand_over(Err(error)).await;
                    return;
                }
            };
        }
        let rest = self.numbers.as_mut().map(QuoteLargeIntegers::finish).unwrap_or_default();
        if rest.is_empty() || self.hand_over(Ok(Some(rest))).await {
            self.hand_over(Ok(None)).await;
        }
    }

    /// What the engine says next; nothing if the reader went away meanwhile.
    async fn next_piece(&mut self) -> Option<Piece> {
        let piece = tokio::select! {
            biased;
            () = self.sender.closed() => return None,
            piece = timeout_at(self.deadline, self.cursor.next()) => piece,
        };
        Some(match piece {
            Ok(piece) => {
                piece.map_err(|error| RunError::from_engine(error.into(), self.limits.max_query_time))
            }
            Err(_) => Err(RunError::TooSlowlyRead { after: self.limits.max_answer_time }),
        })
    }

    /// Whether the reader took it in time.
    async fn hand_over(&mut self, item: Piece) -> bool {
        matches!(timeout_at(self.deadline, self.sender.send(item)).await, Ok(Ok(())))
    }
}
