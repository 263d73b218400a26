//! `granary queries`: for who looks through the named queries, and for who writes one.

mod check;
mod explain;
mod new;

use anyhow::anyhow;
use granary_gateway::{Catalogue, NamedQuery};
use serde_json::{Value, json};

use crate::arguments::{AnswerFormat, Queries};
use crate::output::{self, Answer, Column};
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: &Queries) -> anyhow::Result<()> {
    match command {
        Queries::List { format } => list(&catalogue(settings)?, *format),
        Queries::Show { name } => {
            super::query::describe(find(&catalogue(settings)?, name)?);
            Ok(())
        }
        Queries::Check { dir } => Box::pin(check::run(settings, dir.as_deref())).await,
        Queries::New { name, group, dir } => new::run(settings, name, group, dir.as_deref()),
        Queries::Explain { name, params, format } => {
            let catalogue = catalogue(settings)?;
            explain::run(settings, find(&catalogue, name)?, params, *format).await
        }
    }
}

/// The queries there are; what is wrong with a file is for `granary queries check` to say.
fn catalogue(settings: &Settings) -> anyhow::Result<Catalogue> {
    let catalogue = Catalogue::load(settings.gateway.query_dir.as_deref())?;
    for problem in catalogue.problems() {
        tracing::warn!("{problem}");
    }
    Ok(catalogue)
}

fn find<'a>(catalogue: &'a Catalogue, name: &str) -> anyhow::Result<&'a NamedQuery> {
    let query = catalogue.get(name).map(AsRef::as_ref);
    query.ok_or_else(|| anyhow!("there is no query {name:?}; `granary queries list` lists them"))
}

fn list(catalogue: &Catalogue, format: Option<AnswerFormat>) -> anyhow::Result<()> {
    let mut queries: Vec<_> = catalogue.iter().collect();
    queries.sort_by_key(|query| (query.group(), query.name()));
    let rows = queries.iter().map(|query| {
        let from = if catalogue.comes_along(query) { "granary" } else { "operator" };
        json!({ "group": query.group(), "query": query.name(), "from": from, "question": query.question() })
    });
    let columns = [("group", "String"), ("query", "String"), ("from", "String"), ("question", "String")];
    output::print(&answer(&columns, rows), format)
}

/// Rows as those of an answer.
fn answer(columns: &[(&str, &str)], rows: impl Iterator<Item = Value>) -> Answer {
    let meta =
        columns.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: (*kind).to_owned() });
    let data = rows.filter_map(|row| row.as_object().cloned());
    Answer { meta: meta.collect(), data: data.collect() }
}
