//! One registry for the metrics of every role in the process.

use std::sync::{Arc, Mutex, PoisonError};

/// The registry. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<prometheus_client::registry::Registry>>);

/// The media type of [`Registry::encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Registry {
    /// Registers what a role counts. Names begin with `granary_`.
    pub fn with(&self, register: impl FnOnce(&mut prometheus_client::registry::Registry)) {
        register(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All metrics as they are now, in the `OpenMetrics` text format.
    #[must_use]
    pub fn encode(&self) -> String {
        let registry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        // Writing into text does not fail; a collector's own failure leaves out what follows.
        if prometheus_client::encoding::text::encode(&mut text, &registry).is_err() {
            tracing::warn!("a metric could not be written");
        }
        text
    }
}
