//! `granary query`

use std::io::{IsTerminal, Write};

use anyhow::{Context, anyhow, bail};
use futures::StreamExt;
use granary_gateway::{Catalogue, Format, NamedQuery, PreparedQuery, RawParams, Runner};
use granary_model::TenantId;
use jiff::Timestamp;

use crate::access::Access;
use crate::arguments::{Query, QueryFormat};
use crate::output;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, arguments: &Query) -> anyhow::Result<()> {
    let catalogue = Catalogue::load(settings.gateway.query_dir.as_deref())?;
    let Some(name) = &arguments.name else {
        list(&catalogue);
        return Ok(());
    };
    let query = catalogue
        .get(name)
        .ok_or_else(|| anyhow!("there is no query {name:?}; `granary query` lists them"))?;
    if arguments.describe {
        describe(query);
        return Ok(());
    }
    let prepared = query.prepare(&TenantId::default(), &params(&arguments.params)?, Timestamp::now())?;
    let access = Access::open(settings).await?;
    let runner = Runner::new(access.reader(), settings.gateway.query_limits());
    let result = print(&runner, &prepared, arguments.format).await;
    access.close().await;
    result
}

/// Prints what a query takes and gives.
pub(crate) fn describe(query: &NamedQuery) {
    let description = query.describe();
    say!("{}\n", description.question);
    let mut table = output::table(["parameter", "type", "default", "what"]);
    for parameter in &description.parameters {
        let default = parameter.default.as_ref().map(ToString::to_string).unwrap_or_default();
        table.add_row([&parameter.name, &parameter.type_name.to_owned(), &default, &parameter.help]);
    }
    say!("{table}\n");
    let mut table = output::table(["column", "what"]);
    for column in &description.columns {
        table.add_row([&column.name, &column.meaning]);
    }
    say!("{table}");
}

fn list(catalogue: &Catalogue) {
    let mut queries: Vec<_> = catalogue.iter().collect();
    queries.sort_by_key(|query| (query.group().to_owned(), query.name().to_owned()));
    if std::io::stdout().is_terminal() {
        let mut table = output::table(["group", "query", "question"]);
        for query in queries {
            table.add_row([query.group(), query.name(), query.question()]);
        }
        say!("{table}");
    } else {
        for query in queries {
            say!("{}\t{}\t{}", query.group(), query.name(), query.question());
        }
    }
}

/// Reads `name=value` pairs.
pub(crate) fn params(texts: &[String]) -> anyhow::Result<RawParams> {
    let mut params = RawParams::default();
    for text in texts {
        let Some((name, value)) = text.split_once('=') else {
            bail!("{text:?} is no parameter; write --param name=value");
        };
        params.push(name, value);
    }
    Ok(params)
}

/// Runs a query and prints the answer.
pub(crate) async fn print(
    runner: &Runner,
    query: &PreparedQuery,
    format: Option<QueryFormat>,
) -> anyhow::Result<()> {
    let usual = if std::io::stdout().is_terminal() { QueryFormat::Table } else { QueryFormat::Csv };
    let format = match format.unwrap_or(usual) {
        // A terminal has a width, and who looks at one looks at few rows.
        QueryFormat::Table if std::io::stdout().is_terminal() => {
            say!("{}", output::answer_table(&answer(runner, query).await?));
            return Ok(());
        }
        QueryFormat::Table => Format::Table,
        QueryFormat::Json => Format::Json,
        QueryFormat::Ndjson => Format::Ndjson,
        QueryFormat::Csv => Format::Csv,
        QueryFormat::Tsv => Format::Tsv,
        QueryFormat::Parquet => Format::Parquet,
        QueryFormat::Arrow => Format::Arrow,
        QueryFormat::Prometheus => Format::Prometheus,
        QueryFormat::Markdown => Format::Markdown,
    };
    let mut pieces = runner.run(query, format).await?;
    while let Some(piece) = pieces.next().await {
        if let Err(error) = std::io::stdout().write_all(&piece?) {
            // The reader has seen enough, as `head` does.
            return if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error.into()) };
        }
    }
    Ok(())
}

/// Runs a query whose answer is small enough to hold.
pub(crate) async fn answer(runner: &Runner, query: &PreparedQuery) -> anyhow::Result<output::Answer> {
    let mut pieces = runner.run(query, Format::Json).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    serde_json::from_slice(&bytes).context("the answer is not what it should be")
}
