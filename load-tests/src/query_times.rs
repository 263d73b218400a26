//! Asks a gateway every named query several times, and prints what each reads and how long it takes, as a table.

use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use hdrhistogram::Histogram;
use serde_json::Value;

/// Which gateway, and about what.
#[derive(Debug, Args)]
pub(crate) struct QueryArguments {
    /// The gateway's address.
    #[arg(long, default_value = "http://127.0.0.1:4319")]
    gateway: String,
    /// Start of the range.
    #[arg(long, default_value = "-24h")]
    from: String,
    /// End of the range, RFC 3339.
    #[arg(long)]
    to: String,
    /// How often each query is asked; the first time, when the server's caches are cold, is not counted.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Only queries whose name holds this text.
    #[arg(long, default_value = "")]
    only: String,
    /// A session for the queries that are about one.
    #[arg(long)]
    session: Option<String>,
}

/// What a query took.
struct Took {
    rows_read: u64,
    bytes_read: u64,
    micros: Histogram<u64>,
}

pub(crate) async fn run(arguments: QueryArguments) -> anyhow::Result<()> {
    let client = reqwest::Client::new();
    let list: Value = get(&client, &format!("{}/v1/queries", arguments.gateway)).await?;
    let list = list["queries"].as_array().context("the gateway lists no queries")?;
    println!("| query | reads | rows read | MB read | p50 ms | p95 ms |");
    println!("|---|---|---:|---:|---:|---:|");
    for query in list {
        let name = query["name"].as_str().context("a query without a name")?;
        if !name.contains(&arguments.only) {
            continue;
        }
        let told: Value = get(&client, &format!("{}/v1/queries/{name}", arguments.gateway)).await?;
        let tables =
            told["tables"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
        match ask(&client, &arguments, name, &told).await {
            Ok(took) => println!(
                "| `{name}` | {} | {} | {:.1} | {:.0} | {:.0} |",
                tables.join(", "),
                took.rows_read,
                took.bytes_read as f64 / 1e6,
                took.micros.value_at_quantile(0.5) as f64 / 1e3,
                took.micros.value_at_quantile(0.95) as f64 / 1e3
            ),
            Err(error) => println!("| `{name}` | {} | {error:#} | | | |", tables.join(", ")),
        }
    }
    Ok(())
}

async fn ask(
    client: &reqwest::Client,
    arguments: &QueryArguments,
    name: &str,
    told: &Value,
) -> anyhow::Result<Took> {
    let mut path =
        format!("{}/v1/queries/{name}.json?from={}&to={}", arguments.gateway, arguments.from, arguments.to);
    for parameter in told["parameters"].as_array().into_iter().flatten() {
        if parameter["required"] == true {
            let name = parameter["name"].as_str().context("a parameter without a name")?;
            let value = match name {
                "session" => arguments.session.clone().context("needs --session")?,
                _ => parameter["min"].to_string(),
            };
            path = format!("{path}&{name}={value}");
        }
    }
    let mut took = Took { rows_read: 0, bytes_read: 0, micros: Histogram::new(3)? };
    for run in 0..=arguments.runs {
        let begun = Instant::now();
        let answer = get(client, &path).await?;
        if run > 0 {
            took.micros.record(begun.elapsed().as_micros().try_into()?)?;
        }
        let figure = |what: &str| answer["statistics"][what].as_u64().unwrap_or_default();
        (took.rows_read, took.bytes_read) = (figure("rows_read"), figure("bytes_read"));
    }
    Ok(took)
}

async fn get(client: &reqwest::Client, url: &str) -> anyhow::Result<Value> {
    // What is measured is the query: an answer that was kept says nothing of it.
    let response = client.get(url).header("Cache-Control", "no-cache").send().await?;
    let (status, body) = (response.status(), response.text().await?);
    ensure!(status.is_success(), "{status}: {}", body.chars().take(120).collect::<String>());
    serde_json::from_str(&body).context("the gateway answers no JSON")
}
