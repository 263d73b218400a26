//! By which columns of a query its answer can be read page by page.
//!
//! They are what the query orders by, in that order, and tell each row from every other. The next page begins after a row:
//! `{after:Bool}` says whether it does, `{after_<column>:<type>}` are the row's values, and the query's `WHERE` lets
//! only what comes behind through. For the first page they are false and neutral, so that the SQL is always the same.

use super::header::{Column, Parameter, RowLimit};

/// The parameter that says whether there is a row to begin after.
pub(crate) const AFTER: &str = "after";

/// A column of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CursorColumn {
    name: String,
    type_name: &'static str,
}

/// The types there are, each with its neutral value.
const TYPES: [(&str, &str); 8] = [
    ("String", ""),
    ("UInt32", "0"),
    ("UInt64", "0"),
    ("UInt128", "0"),
    ("Int64", "0"),
    ("Float64", "0"),
    ("DateTime64(3, 'UTC')", "1970-01-01 00:00:00"),
    ("DateTime64(9, 'UTC')", "1970-01-01 00:00:00"),
];

/// Holds what is written against the rest of the header.
pub(super) fn check(
    written: Vec<(String, String)>,
    columns: &[Column],
    limit: Option<RowLimit>,
    params: &[Parameter],
) -> Result<Vec<CursorColumn>, String> {
    if !written.is_empty() && limit.is_none() {
        return Err("cursor: a page has a size, and limit is not there".to_owned());
    }
    let check = |(name, type_name): (String, String)| {
        if !columns.iter().any(|column| column.name == name) {
            return Err(format!("cursor: there is no column {name}"));
        }
        let known = TYPES.iter().find(|(known, _)| *known == type_name).map(|(known, _)| *known);
        let types: Vec<_> = TYPES.iter().map(|(name, _)| *name).collect();
        let type_name = known
            .ok_or_else(|| format!("cursor: {name} is of type {type_name:?}, not {}", types.join(", ")))?;
        let column = CursorColumn { name, type_name };
        let is_taken = |param: &Parameter| param.name == AFTER || param.name == column.parameter();
        match params.iter().find(|param| is_taken(param)) {
            Some(param) => Err(format!("params.{}: the name is the cursor's", param.name)),
            None => Ok(column),
        }
    };
    written.into_iter().map(check).collect()
}

impl CursorColumn {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the SQL calls its value in the row to begin after.
    pub(crate) fn parameter(&self) -> String {
        format!("{AFTER}_{}", self.name)
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    pub(crate) fn is_time(&self) -> bool {
        self.type_name.starts_with("DateTime64")
    }

    pub(crate) fn neutral(&self) -> &'static str {
        TYPES.iter().find(|(name, _)| *name == self.type_name).map_or("", |(_, neutral)| neutral)
    }
}
