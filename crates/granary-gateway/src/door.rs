//! The door for BI tools: ClickHouse's HTTP interface, for SQL of their own.
//!
//! Grafana, Superset, Metabase, `DBeaver` and the client libraries speak to it as to a ClickHouse. What comes in runs as the
//! guest, who is granted the published views and nothing else (`granary_clickhouse::publish`), and the gateway chooses
//! the query's id, by which the views know whose rows they show. Nothing here reads a statement to find out what it may
//! do; grants, views and constraints decide that, and [`soundness`] looks whether they are in place before the door opens.
//!
//! The one exception is the embedded engine, which leaves a function open that reads files: see [`guard`].

mod answer;
mod guard;
mod parameters;
mod refusal;
mod soundness;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use granary_clickhouse::{Relay, Warehouse};
use http::HeaderMap;
use tokio::sync::Mutex;

use crate::audit::Outcome;
use crate::run::OwnWork;
use crate::{QueryLimits, Runner};

pub(crate) use parameters::Statement;
pub(crate) use refusal::Refusal;
use soundness::{Engine, Unsound};

/// How long it is believed that grants and constraints are in place.
const BELIEVED_FOR: Duration = Duration::from_mins(5);

/// The door. Clones share what was found out about ClickHouse.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    relay: Relay,
    guest: Warehouse,
    /// The tables behind the views, which a guest must not read.
    tables: String,
    limits: Arc<QueryLimits>,
    runner: Runner,
    found: Arc<Mutex<Option<(Instant, Engine)>>>,
}

impl Door {
    /// A door beside the named queries, within the same limits.
    pub(crate) fn new(relay: Relay, guest: Warehouse, runner: &Runner) -> Self {
        let (tables, limits) = (runner.database().to_owned(), runner.limits());
        Self { relay, guest, tables, limits, runner: runner.clone(), found: Arc::default() }
    }

    /// The same with statements run by that runner.
    pub(crate) fn over(self, runner: &Runner) -> Self {
        Self { runner: runner.clone(), ..self }
    }

    /// The only database there is.
    pub(crate) fn database(&self) -> &str {
        self.relay.database()
    }

    /// Runs a statement, and answers as ClickHouse does. The work is under way until the answer is read.
    ///
    /// # Errors
    ///
    /// It is not passed on, or there was no answer.
    pub(crate) async fn run(
        &self,
        statement: Statement,
        query_id: String,
        comment: String,
        mut work: OwnWork,
    ) -> Result<Response, Refusal> {
        let started = tokio::time::Instant::now();
        match self.send(statement, query_id, comment).await {
            Ok(answer) => {
                let deadline = started + self.limits.max_answer_time;
                Ok(answer::pass_on(answer, work, deadline, &self.runner))
            }
            Err(refusal) => {
                let (status, code) = refusal.told();
                work.note(|asked| {
                    let outcome = if status.is_server_error() { Outcome::Failed } else { Outcome::Refused };
                    asked.ended(outcome, code);
                    asked.answered(status);
                });
                Err(refusal)
            }
        }
    }

    async fn send(
        &self,
        statement: Statement,
        query_id: String,
        comment: String,
    ) -> Result<http::Response<Body>, Refusal> {
        if self.engine().await? == Engine::OpensFiles
            && let Some(word) = guard::refused_word(&statement.text)
        {
            return Err(Refusal::embedded_engine(word));
        }
        let mut parameters = statement.bounded(&self.limits)?;
        parameters.push(("query_id".to_owned(), query_id));
        parameters.push(("log_comment".to_owned(), comment));
        let sent = self.relay.send(&parameters, statement.headers, Bytes::from(statement.text));
        let patience = self.limits.max_query_time + answer::ENGINE_GRACE;
        let answer = tokio::time::timeout(patience, sent)
            .await
            .map_err(|_| Refusal::timed_out(self.limits.max_query_time))?
            .map_err(|error| Refusal::unreachable(&error))?;
        Ok(answer.map(Body::new))
    }

    /// What kind of ClickHouse it is, once it is sure that the guest may do no harm there.
    async fn engine(&self) -> Result<Engine, Refusal> {
        let mut found = self.found.lock().await;
        if let Some((when, engine)) = *found
            && when.elapsed() < BELIEVED_FOR
        {
            return Ok(engine);
        }
        match soundness::check(&self.guest, &self.tables, &self.limits).await {
            Ok(engine) => {
                *found = Some((Instant::now(), engine));
                Ok(engine)
            }
            Err(Unsound::Unknown { source }) => Err(Refusal::unavailable(&source)),
            Err(error) => {
                *found = None;
                tracing::error!(%error, "the door for BI tools stays shut");
                Err(Refusal::unsound(&error))
            }
        }
    }
}

/// Headers of a request that ClickHouse is to know of.
pub(crate) fn headers_to_pass_on(given: &HeaderMap) -> HeaderMap {
    const PASSED_ON: [&str; 3] = ["accept-encoding", "user-agent", "x-clickhouse-format"];
    PASSED_ON
        .into_iter()
        .filter_map(|name| Some((http::HeaderName::from_static(name), given.get(name)?.clone())))
        .collect()
}
