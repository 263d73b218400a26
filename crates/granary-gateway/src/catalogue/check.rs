//! Everything that is wrong with a catalogue, in one go: for whoever writes queries.

use granary_clickhouse::{ClickHouseError, Warehouse};

use super::inspect::{InspectError, inspect};
use super::{Catalogue, NamedQuery, QueryProblem, embedded, locate};

impl Catalogue {
    /// What is wrong with the files of the folder, and with every query that loads, those that come along too, as the
    /// engine sees them.
    ///
    /// # Errors
    ///
    /// The engine cannot be asked.
    pub async fn check(&self, warehouse: &Warehouse) -> Result<Vec<QueryProblem>, ClickHouseError> {
        let mut problems = self.problems().to_vec();
        for query in self.iter() {
            match inspect(warehouse, query).await {
                Ok(_) => {}
                Err(InspectError::Unavailable { source }) => return Err(source),
                Err(InspectError::Unready { reason }) => problems.push(self.problem(query, reason)),
                Err(InspectError::Refused { reasons }) => {
                    problems.extend(reasons.into_iter().map(|reason| self.problem(query, reason)));
                }
            }
        }
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Ok(problems)
    }

    fn problem(&self, query: &NamedQuery, reason: String) -> QueryProblem {
        let file = format!("{}/{}.sql", query.group(), query.name());
        let comes_along = || {
            let mut files = embedded::files();
            files
                .find(|(group, name, _)| (*group, *name) == (query.group(), query.name()))
                .map(|(_, _, text)| text)
        };
        let text = self.operators.text(&file).or_else(comes_along);
        let line = text.and_then(|text| locate::line_of(text, &reason));
        QueryProblem { file, line, reason, is_earlier_in_force: false }
    }
}
