//! What a query says of itself as a source of samples for Prometheus.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::header::{Column, Kind, Parameter};

/// As it stands in the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    values: Vec<String>,
    labels: Vec<String>,
    #[serde(default)]
    only: BTreeMap<String, String>,
}

/// Which columns are samples, each with its meaning, and which columns tell their rows apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Samples {
    pub(crate) values: Vec<(String, String)>,
    pub(crate) labels: Vec<String>,
}

/// The samples, and for which values of enums there are any.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) samples: Samples,
    pub(crate) only: BTreeMap<String, String>,
}

impl Written {
    /// Holds it against the rest of the header.
    pub(super) fn check(self, columns: &[Column], params: &[Parameter]) -> Result<Declared, String> {
        let Self { values, labels, only } = self;
        let column = |name: &String| {
            let column = columns.iter().find(|column| column.name == *name);
            column.ok_or_else(|| format!("prometheus: there is no column {name}"))
        };
        if values.is_empty() {
            return Err("prometheus: values names no column".to_owned());
        }
        if let Some(label) = labels.iter().find(|label| values.contains(label)) {
            return Err(format!("prometheus: {label} is both a value and a label"));
        }
        labels.iter().try_for_each(|name| column(name).map(drop))?;
        let values = values.into_iter().map(|name| Ok((name.clone(), column(&name)?.meaning.clone())));
        let values = values.collect::<Result<_, String>>()?;
        for (name, value) in &only {
            let kind = params.iter().find(|param| param.name == *name).map(|param| &param.kind);
            if !matches!(kind, Some(Kind::Enum { values, .. }) if values.contains(value)) {
                return Err(format!("prometheus: only: {name} is no enum with the value {value}"));
            }
        }
        Ok(Declared { samples: Samples { values, labels }, only })
    }
}
