//! A story in a warehouse, and whether an answer about it is the one that was worked out.

use std::collections::BTreeMap;
use std::fmt::Write;

use granary_gateway::Catalogue;
use granary_testkit::TestWarehouse;
use serde_json::Value;

use super::story;
use crate::support::{THE_DAY, TestGateway};

/// A warehouse with a story, and a gateway over it.
pub(super) struct Told {
    pub(super) warehouse: TestWarehouse,
    gateway: TestGateway,
    wrong: String,
}

impl Told {
    /// Tells the story of the tenant that asks and of another.
    pub(super) async fn new(group: &str, story: &str) -> Self {
        let warehouse = granary_testkit::warehouse(group).await;
        let mut tables: BTreeMap<&str, String> = BTreeMap::new();
        for line in story.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            for tenant in ["default", "other"] {
                let (table, row) = story::row(line, tenant);
                writeln!(tables.entry(table).or_default(), "{row}").unwrap();
            }
        }
        for (table, rows) in tables {
            // The client takes a question mark for a place to put something.
            let insert = format!("INSERT INTO {table} FORMAT JSONEachRow {}", rows.replace('?', "??"));
            warehouse.owner.execute(&insert).await.unwrap();
        }
        let gateway =
            TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, |config| {
                config.burst = 100_000.try_into().unwrap();
            });
        Self { warehouse, gateway, wrong: String::new() }
    }

    /// Asks about the day, and compares the columns that the first line of `expected` names. Columns stand two spaces apart;
    /// a text with nothing in it is `''`, and lists are without quotes. Figures agree to six digits.
    pub(super) async fn says(&mut self, (query, parameters): (&str, &str), expected: &str) {
        let range = if parameters.contains("from=") || parameters.contains("to=") { "" } else { THE_DAY };
        let path = format!("/v1/queries/{query}.json?{range}&{parameters}");
        let answer = self.gateway.json(&path).await;
        let mut lines = expected.lines().map(str::trim).filter(|line| !line.is_empty());
        let columns: Vec<_> = cells(lines.next().unwrap()).collect();
        let expected: Vec<Vec<_>> = lines.map(|line| cells(line).map(str::to_owned).collect()).collect();
        let rows = answer["data"].as_array().unwrap();
        let got: Vec<Vec<_>> =
            rows.iter().map(|row| columns.iter().map(|column| text(&row[column])).collect()).collect();
        let same = got.len() == expected.len()
            && got.iter().zip(&expected).all(|(got, expected)| {
                got.len() == expected.len()
                    && got.iter().zip(expected).all(|(got, expected)| agree(got, expected))
            });
        if !same {
            let table =
                |rows: &[Vec<String>]| rows.iter().map(|row| row.join("  ") + "\n").collect::<String>();
            writeln!(
                self.wrong,
                "{query} {parameters}\n{}\nsays\n{}and should say\n{}",
                columns.join("  "),
                table(&got),
                table(&expected)
            )
            .unwrap();
        }
    }

    /// All answers were right.
    pub(super) fn end(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong);
    }
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "''".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string().replace('"', ""),
    }
}

fn agree(got: &str, expected: &str) -> bool {
    match (got.parse::<f64>(), expected.parse::<f64>()) {
        (Ok(got), Ok(expected)) => (got - expected).abs() <= 1e-6 * expected.abs().max(1.0),
        _ => got == expected,
    }
}
