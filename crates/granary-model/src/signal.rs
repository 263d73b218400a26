//! The three signals of OpenTelemetry.

use std::fmt;

/// One of the three kinds of telemetry an OTLP endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Log records; coding agents send their events this way.
    Logs,
    /// Spans.
    Traces,
    /// Metric data points of all five kinds.
    Metrics,
}

impl Signal {
    /// All signals, in the order the OTLP specification lists their endpoints.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Traces, Self::Metrics];

    /// The name as it stands in `/v1/{name}` and in metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
