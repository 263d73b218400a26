//! Runs a prepared query within its bounds and hands on the answer as it comes.
//!
//! A query holds a place at the engine from its start to the answer's last byte. Its answer is carried by a task
//! of its own, which keeps at most a few pieces of it: a reader that is slow slows the engine down, one that goes away
//! ends the query, and one that takes longer than it may is cut off. What was cut off never looks complete.

mod error;
mod settings;

use std::pin::Pin;
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
use crate::write::Writer;
use crate::{Caller, Format, PreparedQuery, QueryLimits};

pub use error::RunError;

/// Pieces of an answer that wait for their reader; then the engine waits too.
const PIECES_AHEAD: usize = 2;

/// Beyond the query's time, how long the engine may take to say that it is over.
const ENGINE_GRACE: Duration = Duration::from_secs(5);

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

    pub(crate) fn limits(&self) -> Arc<QueryLimits> {
        Arc::clone(&self.limits)
    }

    /// Where the tables are.
    pub(crate) fn database(&self) -> &str {
        self.warehouse.database()
    }

    /// Waits for a place at the engine, for what is no named query.
    ///
    /// # Errors
    ///
    /// There is none; how long to stay away.
    pub(crate) async fn place(&self) -> Result<Place, Duration> {
        self.line.enter().await.ok_or(self.limits.max_wait)
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
        let writer = Writer::new(query, format)?;
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
            writer,
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
        for (name, value) in settings::pinned().chain(settings::bounds(&self.limits)) {
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
    writer: Writer,
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
                if rest.is_empty() || self.hand_over(Ok(Some(rest))).await {
                    self.hand_over(Ok(None)).await;
                }
            }
            Err(error) => self.fail(error).await,
        }
    }

    async fn fail(&mut self, error: RunError) {
        tracing::warn!(%error, "a query failed after its answer had begun");
        self.hand_over(Err(error)).await;
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
