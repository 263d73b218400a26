//! Each rollup against what its views make of the raw tables now.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Serialize;

use crate::oracle::system::System;

/// One rollup, compared.
#[derive(Debug, Serialize)]
pub struct RollupCheck {
    /// The table.
    pub table: String,
    /// Its rows, merged.
    pub rows: u64,
    /// Rows that its views do not make.
    pub too_many: u64,
    /// Rows that its views make and it does not have.
    pub missing: u64,
}

impl RollupCheck {
    pub(crate) fn is_equal(&self) -> bool {
        self.too_many + self.missing == 0
    }
}

pub(crate) async fn check(system: &System) -> anyhow::Result<Vec<RollupCheck>> {
    let views = system
        .ask(
            // Only what adds up: where a view writes plain rows, how many depends on how inserts were cut.
            "SELECT extract(create_table_query, ' TO [^ ]*\\\\.([a-z_]+)') AS target, as_select FROM system.tables \
             WHERE database = currentDatabase() AND engine = 'MaterializedView' AND target IN \
             (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%AggregatingMergeTree') \
             FORMAT JSONCompactStringsEachRow",
        )
        .await?;
    let mut by_target: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in views.lines() {
        let (target, select): (String, String) = serde_json::from_str(line)?;
        by_target.entry(target).or_default().push(select);
    }
    anyhow::ensure!(!by_target.is_empty(), "there is no rollup to compare");
    let mut checks = Vec::new();
    for (target, selects) in by_target {
        checks.push(compare(system, target, &selects).await?);
    }
    Ok(checks)
}

async fn compare(system: &System, table: String, selects: &[String]) -> anyhow::Result<RollupCheck> {
    let again = format!("oracle_{table}");
    system.ask(&format!("DROP TABLE IF EXISTS {again}")).await?;
    system.ask(&format!("CREATE TABLE {again} AS {table}")).await?;
    for select in selects {
        system
            .ask(&format!("INSERT INTO {again} {select} SETTINGS max_partitions_per_insert_block = 1000"))
            .await?;
    }
    for table in [&table, &again] {
        system.ask(&format!("OPTIMIZE TABLE {table} FINAL SETTINGS optimize_throw_if_noop = 0")).await?;
    }
    let columns = system
        .ask(&format!(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '{table}' \
             ORDER BY position FORMAT JSONCompactStringsEachRow"
        ))
        .await?;
    let mut compared = Vec::new();
    for line in columns.lines() {
        let (name, of): (String, String) = serde_json::from_str(line)?;
        compared.push(match of.as_str() {
            of if of.starts_with("AggregateFunction") => format!("finalizeAggregation({name})"),
            of if of.contains("Array(") => format!("arraySort({name})"),
            _ => name,
        });
    }
    let compared = compared.join(", ");
    let count = async |sql: String| -> anyhow::Result<u64> {
        let answer = system.ask(&sql).await?;
        answer.trim().parse().with_context(|| format!("no number: {answer}"))
    };
    // FINAL: parts that could not be merged in time are merged in the reading.
    let of = |table: &str| format!("SELECT {compared} FROM {table} FINAL");
    let difference =
        |left: &str, right: &str| format!("SELECT count() FROM ({} EXCEPT {})", of(left), of(right));
    let check = RollupCheck {
        rows: count(format!("SELECT count() FROM {table} FINAL")).await?,
        too_many: count(difference(&table, &again)).await?,
        missing: count(difference(&again, &table)).await?,
        table,
    };
    system.ask(&format!("DROP TABLE {again}")).await?;
    Ok(check)
}
