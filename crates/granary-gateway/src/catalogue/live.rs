//! The catalogue in force, which changes when the operator's folder does.
//!
//! Whoever takes a query from it keeps that version to the end of the request, whatever is in force by then.

use std::sync::Arc;
use std::time::Duration;

use granary_clickhouse::Warehouse;
use granary_service::metrics::Registry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::inspect::{InspectError, inspect};
use super::operators::Operators;
use super::{Catalogue, NamedQuery};

/// How often the folder is looked at, and the engine asked about what it could not be asked before.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The named queries as they are now. Clones are the same one.
#[derive(Debug, Clone)]
pub struct LiveCatalogue(watch::Sender<Arc<Catalogue>>);

impl LiveCatalogue {
    /// Begins with a catalogue, which stays until another is published.
    #[must_use]
    pub fn new(catalogue: Catalogue) -> Self {
        Self(watch::Sender::new(Arc::new(catalogue)))
    }

    /// The catalogue in force.
    #[must_use]
    pub fn current(&self) -> Arc<Catalogue> {
        Arc::clone(&self.0.borrow())
    }

    /// The query of that name, in the version in force.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<NamedQuery>> {
        self.0.borrow().get(name).cloned()
    }

    /// Tells of each catalogue that comes into force.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Catalogue>> {
        self.0.subscribe()
    }

    fn publish(&self, catalogue: Catalogue) {
        self.0.send_replace(Arc::new(catalogue));
    }
}

/// What can be seen of the operator's folder, in Prometheus' words.
///
/// | metric | labels | what |
/// |---|---|---|
/// | `granary_gateway_query_files` | `state` | files of the operator's that are `in_force`, and that are `broken`; one whose earlier version answers is both |
/// | `granary_gateway_query_reloads_total` | | changes of the folder that were taken up |
#[derive(Debug, Clone, Default)]
pub(crate) struct CatalogueMetrics {
    files: Family<OfState, Gauge>,
    reloads: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

impl CatalogueMetrics {
    pub(crate) fn register(registry: &Registry, catalogue: &Catalogue) -> Self {
        let metrics = Self::default();
        registry.with(|registry| {
            let files = "files of the operator's query folder by what became of them";
            registry.register("granary_gateway_query_files", files, metrics.files.clone());
            let reloads = "changes of the operator's query folder that were taken up";
            registry.register("granary_gateway_query_reloads", reloads, metrics.reloads.clone());
        });
        metrics.show(catalogue);
        metrics
    }

    fn show(&self, catalogue: &Catalogue) {
        let set = |state, number: usize| {
            self.files.get_or_create(&OfState { state }).set(i64::try_from(number).unwrap_or(i64::MAX));
        };
        set("in_force", catalogue.operators_in_force());
        set("broken", catalogue.problems().len());
    }
}

/// Looks at the operator's folder until told to stop, has the engine check what is new, and publishes what may be
/// used. Ends at once where there is no folder.
pub(crate) async fn keep_up(
    live: LiveCatalogue,
    warehouse: Warehouse,
    metrics: CatalogueMetrics,
    stop: CancellationToken,
) {
    let start = live.current();
    report(&Catalogue::default(), &start);
    if !start.operators.has_folder() {
        return;
    }
    let embedded = Arc::new(start.embedded_part());
    let mut operators = start.operators.clone();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looking = async {
        loop {
            ticks.tick().await;
            let embedded_now = Arc::clone(&embedded);
            let looked = tokio::task::spawn_blocking(move || {
                let looked = operators.look(&embedded_now);
                (operators, looked)
            });
            // It panics only if there is a mistake in it; then what is in force stays, and the log has it.
            let Ok((now, looked)) = looked.await else { return };
            operators = now;
            let is_changed = match looked {
                Ok(is_changed) => is_changed,
                Err(error) => operators.cannot_look(&error),
            };
            if is_changed {
                metrics.reloads.inc();
            }
            if ask(&mut operators, &warehouse).await || is_changed {
                let catalogue = Catalogue::of(embedded.as_ref().clone(), operators.clone());
                report(&live.current(), &catalogue);
                metrics.show(&catalogue);
                live.publish(catalogue);
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = looking => {}
    }
}

/// Asks the engine about everything that is proposed. Says whether anything came of it.
async fn ask(operators: &mut Operators, warehouse: &Warehouse) -> bool {
    let mut is_changed = false;
    for (file, query) in operators.proposed() {
        match inspect(warehouse, &query).await {
            Ok(_) => operators.agree(&file),
            Err(InspectError::Refused { reasons }) => operators.refuse(&file, reasons.join("; ")),
            Err(InspectError::Unready { reason }) => {
                is_changed |= operators.doubt(&file, reason);
                continue;
            }
            // The same would be said of the others.
            Err(InspectError::Unavailable { source }) => {
                tracing::debug!(error = %source, "the engine cannot be asked about the operator's queries");
                return is_changed;
            }
        }
        is_changed = true;
    }
    is_changed
}

/// Writes what is new to the log.
fn report(before: &Catalogue, now: &Catalogue) {
    for problem in now.problems().iter().filter(|problem| !before.problems().contains(problem)) {
        tracing::warn!(
            file = problem.file,
            line = problem.line,
            reason = problem.reason,
            is_earlier_in_force = problem.is_earlier_in_force,
            "a query file cannot be used"
        );
    }
    for query in now.operators.in_force() {
        if !before.get(query.name()).is_some_and(|earlier| Arc::ptr_eq(earlier, query)) {
            tracing::info!(query = query.name(), "a query of the operator's is in force");
        }
    }
    for query in before.operators.in_force().filter(|query| !now.operators.has(query.name())) {
        tracing::info!(query = query.name(), "a query of the operator's is gone");
    }
}
