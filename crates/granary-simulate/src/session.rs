//! What does one session send, and when?

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::calendar::MILLISECOND;
use crate::export;
use crate::identity::Identity;
use crate::people::User;
use crate::planner::{Recipe, plan};
use crate::project::Project;
use crate::truth::Truth;

/// A session of a simulated agent.
///
/// Holds what the session is made from rather than what it sends, so that a great many can be kept.
#[derive(Debug, Clone)]
pub struct SimulatedSession {
    /// `session.id`.
    pub id: String,
    /// Whose it is.
    pub user: Arc<User>,
    /// What was worked on.
    pub project: Project,
    /// When the first event happened, in nanoseconds since 1970.
    pub start_unix_nano: u64,
    /// When the last thing happened, in nanoseconds since 1970; what is left is sent a moment later.
    pub end_unix_nano: u64,
    truth: Truth,
    recipe: Recipe,
}

/// A request, and when the client sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedRequest {
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What is sent.
    pub body: Request,
}

/// An OTLP request of one of the three signals.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Events.
    Logs(ExportLogsServiceRequest),
    /// Spans.
    Traces(ExportTraceServiceRequest),
    /// Counters.
    Metrics(ExportMetricsServiceRequest),
}

impl SimulatedSession {
    /// Plays a session of the recipe; `start_ms` is told how long it takes and says when it starts.
    pub(crate) fn play(
        recipe: Recipe,
        user: Arc<User>,
        project: Project,
        start_ms: impl FnOnce(u64) -> u64,
    ) -> Self {
        let plan = plan(&recipe, &user, &project);
        let duration_ms = plan.end_ms();
        let start_unix_nano = start_ms(duration_ms) * MILLISECOND;
        Self {
            id: recipe.session_id.clone(),
            user,
            project,
            start_unix_nano,
            end_unix_nano: start_unix_nano + duration_ms * MILLISECOND,
            truth: plan.truth,
            recipe,
        }
    }

    /// Returns the requests of the session's processes, in the order in which they are sent.
    pub fn requests(&self) -> Vec<TimedRequest> {
        let identity = self.identity();
        let plan = plan(&self.recipe, &self.user, &self.project);
        plan.processes
            .iter()
            .flat_map(|process| export::requests(process, &identity, self.start_unix_nano))
            .collect()
    }

    /// Returns the totals of what the requests carry.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::new(&self.user, &self.project, &self.id)
    }
}

impl Request {
    /// Returns the path of the signal's door for OTLP over HTTP.
    pub const fn path(&self) -> &'static str {
        match self {
            Self::Logs(_) => "/v1/logs",
            Self::Traces(_) => "/v1/traces",
            Self::Metrics(_) => "/v1/metrics",
        }
    }
}
