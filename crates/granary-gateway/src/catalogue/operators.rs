//! The operator's queries: for each file what is in force, what is proposed, and what is wrong with it.
//!
//! A file that reads well is proposed. It takes effect when the engine has agreed ([`Operators::agree`]), and until then, and
//! when the engine refuses it, the version before it stays. At the start nothing is there to stay, and the engine
//! may not be there to ask: then what is proposed is in force, and goes if the engine refuses it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::folder::{Files, Folder};
use super::{NamedQuery, QueryProblem, parse};

/// Everything about the operator's folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Operators {
    folder: Option<Folder>,
    entries: BTreeMap<String, Entry>,
    /// The folder itself cannot be read.
    unreadable: Option<QueryProblem>,
}

#[derive(Debug, Clone)]
struct Entry {
    text: Result<String, String>,
    in_force: Option<Arc<NamedQuery>>,
    proposed: Option<Arc<NamedQuery>>,
    problem: Option<QueryProblem>,
}

impl Operators {
    /// Reads the folder for the first time.
    pub(super) fn read(dir: &Path, embedded: &BTreeMap<String, Arc<NamedQuery>>) -> io::Result<Self> {
        let mut operators = Self { folder: Some(Folder::new(dir)), ..Self::default() };
        operators.look(embedded)?;
        for entry in operators.entries.values_mut() {
            entry.in_force.clone_from(&entry.proposed);
        }
        Ok(operators)
    }

    pub(super) fn has_folder(&self) -> bool {
        self.folder.is_some()
    }

    /// Looks at the folder again. Says whether anything is different.
    ///
    /// # Errors
    ///
    /// The folder cannot be read; everything stays as it is.
    pub(super) fn look(&mut self, embedded: &BTreeMap<String, Arc<NamedQuery>>) -> io::Result<bool> {
        let Some(folder) = &mut self.folder else { return Ok(false) };
        let files = folder.look()?;
        let was_unreadable = self.unreadable.take().is_some();
        let Some(files) = files else { return Ok(was_unreadable) };
        self.take(files, embedded);
        Ok(true)
    }

    /// Takes down that the folder cannot be read. Says whether that is new.
    pub(super) fn cannot_look(&mut self, error: &io::Error) -> bool {
        let file = self.folder.as_ref().map(Folder::to_string).unwrap_or_default();
        let reason = format!("cannot be read: {error}");
        let problem = QueryProblem { file, line: None, reason, is_earlier_in_force: true };
        self.unreadable.replace(problem.clone()) != Some(problem)
    }

    fn take(&mut self, files: Files, embedded: &BTreeMap<String, Arc<NamedQuery>>) {
        self.entries.retain(|file, _| files.contains_key(file));
        for (file, text) in files {
            let entry = self.entries.get(&file);
            // What was wrong may have been another file's name, which is free now.
            if entry.is_some_and(|entry| entry.text == text && entry.problem.is_none()) {
                continue;
            }
            let in_force = entry.and_then(|entry| entry.in_force.clone());
            let proposed = self.propose(&file, text.clone(), embedded);
            let entry = match proposed {
                Ok(query) => Entry { text, in_force, proposed: query.map(Arc::new), problem: None },
                Err(problem) => {
                    let problem = QueryProblem { is_earlier_in_force: in_force.is_some(), ..problem };
                    Entry { text, in_force, proposed: None, problem: Some(problem) }
                }
            };
            self.entries.insert(file, entry);
        }
    }

    fn propose(
        &self,
        file: &str,
        text: Result<String, String>,
        embedded: &BTreeMap<String, Arc<NamedQuery>>,
    ) -> Result<Option<NamedQuery>, QueryProblem> {
        let problem =
            |reason| QueryProblem { file: file.to_owned(), line: None, reason, is_earlier_in_force: false };
        let text = text.map_err(problem)?;
        let stem = file.strip_suffix(".sql").unwrap_or(file);
        let (group, name) = stem.split_once('/').unwrap_or(("", stem));
        let query = parse(group, name, &text)?;
        if super::embedded::files().any(|along| along == (group, name, text.as_str())) {
            // A copy, letter for letter: as whoever writes for the project has all of them.
            return Ok(None);
        }
        if let Some(other) = embedded.get(name) {
            let other = format!("{}/{name}.sql", other.group());
            return Err(problem(format!("{other}, which comes along, has that name; take another")));
        }
        let mut others = self.entries.iter().filter(|(other, _)| *other != file);
        match others.find(|(_, entry)| entry.versions().any(|query| query.name() == name)) {
            Some((other, _)) => Err(problem(format!("{other} has that name already; take another"))),
            None => Ok(Some(query)),
        }
    }

    /// What the engine has not been asked about yet.
    pub(super) fn proposed(&self) -> Vec<(String, Arc<NamedQuery>)> {
        let proposed =
            |(file, entry): (&String, &Entry)| Some((file.clone(), Arc::clone(entry.proposed.as_ref()?)));
        self.entries.iter().filter_map(proposed).collect()
    }

    /// The engine takes what is proposed: it is in force from here on.
    pub(super) fn agree(&mut self, file: &str) {
        if let Some(entry) = self.entries.get_mut(file)
            && let Some(query) = entry.proposed.take()
        {
            entry.in_force = Some(query);
            entry.problem = None;
        }
    }

    /// The engine refuses what is proposed: the version before it stays, if there is one.
    pub(super) fn refuse(&mut self, file: &str, reason: String) {
        let Some(entry) = self.entries.get_mut(file) else { return };
        let Some(refused) = entry.proposed.take() else { return };
        entry.in_force.take_if(|query| Arc::ptr_eq(query, &refused));
        let line = entry.text.as_ref().ok().and_then(|text| super::locate::line_of(text, &reason));
        let is_earlier_in_force = entry.in_force.is_some();
        entry.problem = Some(QueryProblem { file: file.to_owned(), line, reason, is_earlier_in_force });
    }

    /// The engine misses something that may come yet, such as a table: it is asked again. Says whether that is new.
    pub(super) fn doubt(&mut self, file: &str, reason: String) -> bool {
        let Some(entry) = self.entries.get_mut(file) else { return false };
        let line = entry.text.as_ref().ok().and_then(|text| super::locate::line_of(text, &reason));
        let is_earlier_in_force = entry.in_force.is_some();
        let problem = QueryProblem { file: file.to_owned(), line, reason, is_earlier_in_force };
        entry.problem.replace(problem.clone()) != Some(problem)
    }

    pub(super) fn in_force(&self) -> impl Iterator<Item = &Arc<NamedQuery>> {
        self.entries.values().filter_map(|entry| entry.in_force.as_ref())
    }

    /// Whether a query of that name that is in force is the operator's.
    pub(super) fn has(&self, name: &str) -> bool {
        self.in_force().any(|query| query.name() == name)
    }

    /// What stands in a file.
    pub(super) fn text(&self, file: &str) -> Option<&str> {
        self.entries.get(file)?.text.as_deref().ok()
    }

    pub(super) fn problems(&self) -> Vec<QueryProblem> {
        let files = self.entries.values().filter_map(|entry| entry.problem.as_ref());
        self.unreadable.iter().chain(files).cloned().collect()
    }
}

impl Entry {
    fn versions(&self) -> impl Iterator<Item = &Arc<NamedQuery>> {
        self.in_force.iter().chain(&self.proposed)
    }
}
