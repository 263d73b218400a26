//! Which questions can be asked by name.
//!
//! The queries of the project's `queries/` come with the binary; an operator's folder may add others. Each file is
//! read and checked once, at the start: a query that loads can be prepared for whatever a caller sends.

mod cursor;
mod embedded;
mod header;
mod query;
mod samples;
mod scan;
mod template;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use cursor::{AFTER, CursorColumn};
pub(crate) use header::Kind;
pub use header::{Column, Filter, MinimumRole, RowLimit};
pub use query::{NamedQuery, ParameterDescription, QueryDescription};
pub(crate) use samples::Samples;

use scan::is_name;

/// The named queries, by name.
#[derive(Debug)]
pub struct Catalogue {
    queries: BTreeMap<String, NamedQuery>,
}

/// A query file that cannot be used. Mend the file, or take it away.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file breaks a rule of `queries/README.md`.
    #[error("query file {file}: {reason}")]
    Broken {
        /// Which file.
        file: String,
        /// Which rule, and where.
        reason: String,
    },
    /// The folder or a file in it cannot be read.
    #[error("query file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Catalogue {
    /// The queries that come with the binary.
    ///
    /// # Errors
    ///
    /// One of them breaks the rules, which the project's tests would have said.
    pub fn embedded() -> Result<Self, CatalogueError> {
        let mut catalogue = Self { queries: BTreeMap::new() };
        for (group, name, text) in embedded::files() {
            catalogue.add(group, name, text)?;
        }
        Ok(catalogue)
    }

    /// The queries that come with the binary, and those of a folder: `<group>/<name>.sql` each. Files with other
    /// endings and hidden ones are left alone.
    ///
    /// # Errors
    ///
    /// A file cannot be read, breaks the rules, or has the name of another query.
    pub fn load(operator_dir: Option<&Path>) -> Result<Self, CatalogueError> {
        let mut catalogue = Self::embedded()?;
        for group in operator_dir.map(entries).transpose()?.unwrap_or_default() {
            if !group.is_dir() {
                if is_query_file(&group) {
                    let reason = "belongs into a folder with its group's name".to_owned();
                    return Err(CatalogueError::Broken { file: group.display().to_string(), reason });
                }
                continue;
            }
            for path in entries(&group)?.iter().filter(|path| is_query_file(path)) {
                let text = fs::read_to_string(path)
                    .map_err(|source| CatalogueError::Unreadable { path: path.clone(), source })?;
                catalogue.add(&stem(&group), &stem(path), &text)?;
            }
        }
        Ok(catalogue)
    }

    /// The query of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&NamedQuery> {
        self.queries.get(name)
    }

    /// All queries, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &NamedQuery> {
        self.queries.values()
    }

    fn add(&mut self, group: &str, name: &str, text: &str) -> Result<(), CatalogueError> {
        let broken = |reason| CatalogueError::Broken { file: format!("{group}/{name}.sql"), reason };
        if let Some(word) = [group, name].into_iter().find(|word| !is_name(word)) {
            let reason = format!("{word:?} is no name: lowercase letters, digits and _, a letter first");
            return Err(broken(reason));
        }
        let query = NamedQuery::parse(group, name, text).map_err(broken)?;
        if let Some(other) = self.queries.get(name) {
            return Err(broken(format!("{}/{name}.sql has that name already", other.group())));
        }
        self.queries.insert(name.to_owned(), query);
        Ok(())
    }
}

/// What is in a folder, in an order that does not depend on the file system.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    let unreadable = |source| CatalogueError::Unreadable { path: dir.to_owned(), source };
    let mut paths: Vec<_> = fs::read_dir(dir)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    paths.retain(|path| !stem(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn is_query_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
