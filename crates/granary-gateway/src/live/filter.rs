//! Which of the stored events a client wants.

use granary_archive::Facets;
use serde::{Deserialize, Serialize};

use crate::{ParamError, RawParams};

/// Names of what can be filtered by.
const NAMES: [&str; 6] = ["session", "user", "team", "tool", "severity", "event"];

/// Values of one filter, and bytes of one value. A filter is held against every event.
const MAX_VALUES: usize = 100;
const MAX_VALUE_BYTES: usize = 1024;

/// What an event must be; of several values one is enough, and none means any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveFilter {
    /// Sessions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub session: Vec<String>,
    /// Who ran them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<String>,
    /// Teams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub team: Vec<String>,
    /// Tools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool: Vec<String>,
    /// OTLP's severities: `trace`, `debug`, `info`, `warn`, `error`, `fatal`, or the sender's own word; in any case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<String>,
    /// The agent's names of events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event: Vec<String>,
}

impl LiveFilter {
    /// Reads the parameters of an address, each of which may repeat.
    ///
    /// # Errors
    ///
    /// A parameter that there is not, or more of one than may be.
    pub fn from_params(params: &RawParams) -> Result<Self, ParamError> {
        let mut filter = Self::default();
        for (name, value) in params.iter() {
            let known = || NAMES.map(str::to_owned).to_vec();
            let values = filter
                .values_mut(name)
                .ok_or_else(|| ParamError::Unknown { parameter: name.to_owned(), known: known() })?;
            values.push(value.to_owned());
            if let Some(expected) = too_large(values) {
                return Err(ParamError::invalid(name, value, &expected));
            }
        }
        Ok(filter)
    }

    /// What of it is more than may be.
    pub(crate) fn excess(&mut self) -> Option<String> {
        NAMES.into_iter().find_map(|name| {
            let expected = too_large(self.values_mut(name)?)?;
            Some(format!("{name} is too much; expected {expected}"))
        })
    }

    pub(crate) fn values_mut(&mut self, name: &str) -> Option<&mut Vec<String>> {
        Some(match name {
            "session" => &mut self.session,
            "user" => &mut self.user,
            "team" => &mut self.team,
            "tool" => &mut self.tool,
            "severity" => &mut self.severity,
            "event" => &mut self.event,
            _ => return None,
        })
    }

    /// Whether an event is wanted.
    pub(crate) fn wants(&self, event: &Facets) -> bool {
        let any = |values: &[String], value: &str| values.is_empty() || values.iter().any(|one| one == value);
        any(&self.session, &event.session_id)
            && any(&self.user, &event.user_id)
            && any(&self.team, &event.team_id)
            && any(&self.tool, &event.tool_name)
            && any(&self.event, &event.agent_event)
            && (self.severity.is_empty() || self.severity.iter().any(|severity| is_severity(severity, event)))
    }
}

fn too_large(values: &[String]) -> Option<String> {
    let too_large = values.len() > MAX_VALUES || values.iter().any(|value| value.len() > MAX_VALUE_BYTES);
    too_large.then(|| format!("{MAX_VALUES} values at most, each of {MAX_VALUE_BYTES} bytes at most"))
}

fn is_severity(severity: &str, event: &Facets) -> bool {
    let by_number = match event.severity_number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "",
    };
    (!by_number.is_empty() && severity.eq_ignore_ascii_case(by_number))
        || (!event.severity_text.is_empty() && severity.eq_ignore_ascii_case(&event.severity_text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Facets {
        Facets {
            session_id: "s1".to_owned(),
            user_id: "ada@example.com".to_owned(),
            team_id: "platform".to_owned(),
            tool_name: "Bash".to_owned(),
            severity_text: "Warning".to_owned(),
            severity_number: 13,
            agent_event: "tool_result".to_owned(),
            event_id: 1,
        }
    }

    fn wants(query: &str) -> bool {
        LiveFilter::from_params(&RawParams::from_query_string(query).unwrap()).unwrap().wants(&event())
    }

    #[test]
    fn of_several_values_one_is_enough_and_of_several_filters_all_must_hold() {
        for query in [
            "",
            "session=s0&session=s1",
            "user=ada@example.com&team=platform&tool=Bash&event=tool_result",
            "severity=WARN",
            "severity=warning",
        ] {
            assert!(wants(query), "{query}");
        }
        for query in
            ["session=s0", "session=s1&tool=Read", "session=S1", "session=", "severity=error", "severity="]
        {
            assert!(!wants(query), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_filtered_by_is_refused_and_so_are_too_many_values() {
        let read = |query: &str| LiveFilter::from_params(&RawParams::from_query_string(query).unwrap());
        let said = read("tenant=other").unwrap_err().to_string();
        assert!(said.contains("tenant") && said.contains("session"), "{said}");
        assert!(read(&"tool=a&".repeat(MAX_VALUES)).is_ok());
        assert!(read(&"tool=a&".repeat(MAX_VALUES + 1)).is_err());
        assert!(read(&format!("tool={}", "a".repeat(MAX_VALUE_BYTES + 1))).is_err());
    }
}
