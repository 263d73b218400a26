//! Which questions can be asked by name.
//!
//! The queries of the project's `queries/` come with the binary; an operator's folder may add others. Each file is
//! read and checked before it is in force: a query that loads can be prepared for whatever a caller sends. A
//! catalogue does not change; a [`LiveCatalogue`] puts another in its place when the folder has changed.

mod check;
mod cursor;
mod embedded;
mod explain;
mod folder;
mod header;
mod inspect;
mod live;
mod locate;
mod operators;
mod query;
mod query_tree;
mod samples;
mod scan;
mod starter;
mod template;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

pub(crate) use cursor::{AFTER, CursorColumn};
pub use explain::{IndexUse, explain};
pub use header::{Column, Filter, MinimumRole, RowLimit};
pub(crate) use header::{Kind, SESSION};
pub(crate) use inspect::column_types;
pub use inspect::{AnswerColumn, InspectError, Inspection, inspect};
pub use live::LiveCatalogue;
pub(crate) use live::{CatalogueMetrics, keep_up};
pub use query::{NamedQuery, ParameterDescription, QueryDescription};
pub(crate) use samples::Samples;
pub use starter::{StarterError, starter};

use operators::Operators;
use scan::is_name;

/// The named queries, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    queries: BTreeMap<String, Arc<NamedQuery>>,
    problems: Vec<QueryProblem>,
    operators: Operators,
}

/// There is no catalogue to begin with.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A query that comes along breaks a rule of `queries/README.md`.
    #[error("query file {0}")]
    Broken(QueryProblem),
    /// The operator's folder cannot be read. Mend the setting, or make the folder.
    #[error("query folder {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A query file that cannot be used as it is. Mend the file, or take it away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}{}: {reason}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct QueryProblem {
    /// Which file, as `<group>/<name>.sql`.
    pub file: String,
    /// The line that it is about, where it is about one.
    pub line: Option<usize>,
    /// Which rule it breaks, and how.
    pub reason: String,
    /// Whether an earlier version of the file answers meanwhile.
    pub is_earlier_in_force: bool,
}

impl Catalogue {
    /// The queries that come with the binary.
    ///
    /// # Errors
    ///
    /// One of them breaks the rules, which the project's tests would have said.
    pub fn embedded() -> Result<Self, CatalogueError> {
        let mut queries = BTreeMap::new();
        for (group, name, text) in embedded::files() {
            let query = parse(group, name, text).map_err(CatalogueError::Broken)?;
            queries.insert(name.to_owned(), Arc::new(query));
        }
        Ok(Self { queries, ..Self::default() })
    }

    /// The queries that come with the binary, and those of a folder: `<group>/<name>.sql` each. Files with other
    /// endings and hidden ones are left alone. A file that cannot be used is among the
    /// [problems](Self::problems) and keeps no other from being used.
    ///
    /// # Errors
    ///
    /// The folder itself cannot be read, as one that is misspelt.
    pub fn load(operator_dir: Option<&Path>) -> Result<Self, CatalogueError> {
        let embedded = Self::embedded()?;
        let Some(dir) = operator_dir else { return Ok(embedded) };
        let unreadable = |source| CatalogueError::Unreadable { path: dir.to_owned(), source };
        let operators = Operators::read(dir, &embedded.queries).map_err(unreadable)?;
        Ok(Self::of(embedded.queries, operators))
    }

    /// The query of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<NamedQuery>> {
        self.queries.get(name)
    }

    /// All queries, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<NamedQuery>> {
        self.queries.values()
    }

    /// The files of the operator's folder that cannot be used as they are.
    #[must_use]
    pub fn problems(&self) -> &[QueryProblem] {
        &self.problems
    }

    /// Whether a query comes with the binary.
    #[must_use]
    pub fn comes_along(&self, query: &NamedQuery) -> bool {
        !self.operators.has(query.name())
    }

    /// How many files of the operator's are in force.
    pub(crate) fn operators_in_force(&self) -> usize {
        self.operators.in_force().count()
    }

    fn of(embedded: BTreeMap<String, Arc<NamedQuery>>, operators: Operators) -> Self {
        let mut queries = embedded;
        queries.extend(operators.in_force().map(|query| (query.name().to_owned(), Arc::clone(query))));
        Self { queries, problems: operators.problems(), operators }
    }

    /// Only those that come along.
    fn embedded_part(&self) -> BTreeMap<String, Arc<NamedQuery>> {
        let own = self.queries.iter().filter(|(name, _)| !self.operators.has(name));
        own.map(|(name, query)| (name.clone(), Arc::clone(query))).collect()
    }
}

/// Reads a file; its name and its group's are part of what can be wrong with it.
fn parse(group: &str, name: &str, text: &str) -> Result<NamedQuery, QueryProblem> {
    let problem = |line, reason| QueryProblem {
        file: format!("{group}/{name}.sql"),
        line,
        reason,
        is_earlier_in_force: false,
    };
    if let Some(word) = [group, name].into_iter().find(|word| !is_name(word)) {
        let reason = format!("{word:?} is no name: lowercase letters, digits and _, a letter first");
        return Err(problem(None, reason));
    }
    NamedQuery::parse(group, name, text).map_err(|reason| problem(locate::line_of(text, &reason), reason))
}

#[cfg(test)]
mod tests;
