//! What the engine says of a query before anyone asks it: whether it works, its columns, and whose rows it reads.
//!
//! The query is explained, not run, once for each combination of the values that switch its lines. It is the check
//! behind `granary queries check` and behind every file that an operator puts into the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use granary_clickhouse::{ClickHouseError, Query, Warehouse};
use granary_model::TenantId;
use jiff::Timestamp;

use super::query_tree::Tree;
use super::{NamedQuery, ParameterDescription};
use crate::{PreparedQuery, QueryLimits, RawParams, run};

/// Whose rows the query is explained for; it must be nobody's name.
const PROBE: &str = "granary-inspects-this-query";

/// Combinations of switches that are explained. Past that each value is, but not with every other.
const MAX_COMBINATIONS: usize = 64;

/// How long the engine may take to explain.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Table functions that read nobody's rows.
const HARMLESS: [&str; 6] = ["numbers", "numbers_mt", "zeros", "values", "generate_series", "generateSeries"];

/// What a query answers with, as the engine sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    /// The columns, in the order that the header has.
    pub columns: Vec<AnswerColumn>,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerColumn {
    /// Its name.
    pub name: String,
    /// ClickHouse's type.
    pub type_name: String,
    /// Whether every answer has it, whatever switches are given.
    pub is_always_there: bool,
}

/// A query was not found to be in order.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It breaks rules. Mend the file.
    #[error("{}", reasons.join("; "))]
    Refused {
        /// Each thing that is wrong.
        reasons: Vec<String>,
    },
    /// It reads what is not there. Mend the file, or apply the migrations.
    #[error("{reason}")]
    Unready {
        /// What is missing.
        reason: String,
    },
    /// The engine cannot be asked now. Ask again in a while.
    #[error("the engine cannot be asked: {source}")]
    Unavailable {
        /// Why not.
        source: ClickHouseError,
    },
}

/// Has the engine look at a query.
///
/// # Errors
///
/// [`InspectError`] says whether the file or the engine is in the way.
pub async fn inspect(warehouse: &Warehouse, query: &NamedQuery) -> Result<Inspection, InspectError> {
    let mut reasons = BTreeSet::new();
    let mut types = Types::default();
    let mut read = BTreeSet::new();
    let combinations = combinations(query);
    for combination in &combinations {
        let tree = explain(warehouse, query, combination).await?;
        let given = with(combination);
        types.add(&tree);
        reasons.extend(columns_out_of_order(query, &tree).map(|reason| reason + &given));
        for table in &tree.unfiltered {
            if needs_a_tenant(warehouse, table).await? {
                let table = table.strip_prefix(&format!("{}.", warehouse.database())).unwrap_or(table);
                reasons.insert(format!(
                    "table {table} is read without WHERE TenantId = {{tenant:String}} on it{given}"
                ));
            }
        }
        for function in tree.functions.iter().filter(|function| !HARMLESS.contains(&function.as_str())) {
            reasons.insert(format!("the table function {function} is not for named queries"));
        }
        read.extend(tree.tables);
    }
    reasons.extend(
        query
            .columns()
            .iter()
            .filter(|column| !types.has(&column.name))
            .map(|column| format!("column {} is declared, and no answer has it", column.name)),
    );
    reasons.extend(tables_not_as_declared(warehouse, query, &read));
    if !reasons.is_empty() {
        return Err(InspectError::Refused { reasons: reasons.into_iter().collect() });
    }
    Ok(types.of(query))
}

/// Has the engine say what types a query's columns have, and nothing else, with as few questions as that takes.
///
/// # Errors
///
/// [`InspectError`] says whether the file or the engine is in the way.
pub(crate) async fn column_types(
    warehouse: &Warehouse,
    query: &NamedQuery,
) -> Result<Inspection, InspectError> {
    let mut types = Types::default();
    for combination in covering(query) {
        types.add(&explain(warehouse, query, &combination).await?);
    }
    if query.columns().iter().all(|column| types.has(&column.name)) {
        return Ok(types.of(query));
    }
    // There is one that two switches have together.
    let mut types = Types::default();
    for combination in combinations(query) {
        types.add(&explain(warehouse, query, &combination).await?);
    }
    Ok(types.of(query))
}

/// What was seen of a query's columns: their types, once for each answer that has them.
#[derive(Default)]
struct Types {
    answers: usize,
    by_name: BTreeMap<String, Vec<String>>,
}

impl Types {
    fn add(&mut self, tree: &Tree) {
        self.answers += 1;
        for (name, type_name) in &tree.columns {
            self.by_name.entry(name.clone()).or_default().push(type_name.clone());
        }
    }

    fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The columns in the order of the query's header.
    fn of(&self, query: &NamedQuery) -> Inspection {
        let column = |name: &String| {
            let types = self.by_name.get(name)?;
            Some(AnswerColumn {
                name: name.clone(),
                type_name: types.first()?.clone(),
                is_always_there: types.len() == self.answers,
            })
        };
        Inspection { columns: query.columns().iter().filter_map(|one| column(&one.name)).collect() }
    }
}

/// Values for the parameters that switch lines, by name.
type Combination = Vec<(String, String)>;

fn combinations(query: &NamedQuery) -> Vec<Combination> {
    let parameters = query.describe().parameters;
    let switches: Vec<_> =
        parameters.iter().filter(|parameter| query.is_switched_by(&parameter.name)).collect();
    let number = switches.iter().map(|switch| switch.values.len()).try_fold(1_usize, usize::checked_mul);
    if number.is_none_or(|number| number > MAX_COMBINATIONS) {
        let each = |switch: &&ParameterDescription| {
            let name = switch.name.clone();
            switch.values.iter().map(move |value| vec![(name.clone(), value.clone())]).collect::<Vec<_>>()
        };
        return switches.iter().flat_map(each).collect();
    }
    switches.iter().fold(vec![Combination::new()], |combinations, switch| {
        let and = |before: &Combination| {
            let before = before.clone();
            switch.values.iter().map(move |value| {
                let mut combination = before.clone();
                combination.push((switch.name.clone(), value.clone()));
                combination
            })
        };
        combinations.iter().flat_map(and).collect()
    })
}

/// A few combinations in which each value of each switch is, though not with every value of the others.
fn covering(query: &NamedQuery) -> Vec<Combination> {
    let parameters = query.describe().parameters;
    let switches: Vec<_> =
        parameters.iter().filter(|parameter| query.is_switched_by(&parameter.name)).collect();
    let most = switches.iter().map(|switch| switch.values.len()).max().unwrap_or(1);
    let nth = |n: usize| {
        let values = switches.iter().map(|switch| (&switch.name, switch.values.iter().cycle().nth(n)));
        values.filter_map(|(name, value)| Some((name.clone(), value?.clone()))).collect()
    };
    (0..most).map(nth).collect()
}

/// How a combination is spoken of.
fn with(combination: &Combination) -> String {
    let given: Vec<_> = combination.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if given.is_empty() { String::new() } else { format!(" with {}", given.join(", ")) }
}

async fn explain(
    warehouse: &Warehouse,
    query: &NamedQuery,
    combination: &Combination,
) -> Result<Tree, InspectError> {
    let mut params: RawParams = combination.iter().cloned().collect();
    for parameter in query.describe().parameters {
        if parameter.required && !combination.iter().any(|(name, _)| *name == parameter.name) {
            params.push(parameter.name.clone(), some_value(&parameter));
        }
    }
    let refused = |reason: String| InspectError::Refused { reasons: vec![reason] };
    let prepared = query
        .prepare(&TenantId::new(PROBE), &params, Timestamp::now())
        .map_err(|error| refused(error.to_string()))?;
    let lines = within(statement(warehouse, "EXPLAIN QUERY TREE", &prepared).fetch_all::<String>()).await;
    let lines = lines.map_err(|error| of_engine(error, &with(combination)))?;
    Ok(Tree::read(&lines, PROBE))
}

/// A question about a query. The query's text is its file's, in which every value is a placeholder.
pub(super) fn statement(warehouse: &Warehouse, explain: &'static str, prepared: &PreparedQuery) -> Query {
    let mut statement = warehouse.query(&format!("{explain} {}", prepared.sql()));
    for (name, value) in run::settings_of(&QueryLimits::default()) {
        statement = statement.with_setting(name, value);
    }
    for (name, value) in prepared.bindings() {
        statement = statement.param(name, value);
    }
    statement
}

/// Something that a parameter without a default takes.
fn some_value(parameter: &ParameterDescription) -> String {
    match parameter.type_name {
        "enum" => parameter.values.first().cloned().unwrap_or_default(),
        "bool" => "true".to_owned(),
        "uint" | "float" => parameter.min.as_ref().map_or("1".to_owned(), ToString::to_string),
        // The one name that queries have for a zone.
        _ if parameter.name == "timezone" => "UTC".to_owned(),
        _ => "x".to_owned(),
    }
}

pub(super) async fn within<T, E>(asked: impl Future<Output = Result<T, E>>) -> Result<T, ClickHouseError>
where
    ClickHouseError: From<E>,
{
    match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ClickHouseError::TimedOut { after: TIMEOUT }),
    }
}

/// Whose turn it is. Codes are those of ClickHouse's `ErrorCodes.cpp`.
fn of_engine(error: ClickHouseError, given: &str) -> InspectError {
    match run::without_values(error) {
        // UNKNOWN_TABLE, UNKNOWN_DATABASE: until the migrations are through
        ClickHouseError::Server { code: 60 | 81, message } => {
            InspectError::Unready { reason: message + given }
        }
        // TIMEOUT_EXCEEDED, MEMORY_LIMIT_EXCEEDED, QUOTA_EXCEEDED, TOO_MANY_SIMULTANEOUS_QUERIES,
        // CANNOT_SCHEDULE_TASK; 0 from a balancer
        source @ ClickHouseError::Server { code: 159 | 241 | 201 | 202 | 439 | 0, .. } => {
            InspectError::Unavailable { source }
        }
        ClickHouseError::Server { message, .. } => InspectError::Refused { reasons: vec![message + given] },
        source => InspectError::Unavailable { source },
    }
}

/// Whether a table has rows of several tenants: whether it says of its rows whose they are.
async fn needs_a_tenant(warehouse: &Warehouse, table: &str) -> Result<bool, InspectError> {
    let (database, name) = table.split_once('.').unwrap_or(("", table));
    if database != warehouse.database() {
        // What is everybody's: a row, numbers. Anything else is refused to the reader by its grants, and here.
        return Ok(!matches!((database, name), ("system", "one" | "numbers" | "numbers_mt" | "zeros")));
    }
    let statement = warehouse
        .query("SELECT count() FROM system.columns WHERE database = {database:String} AND table = {table:String} AND name = 'TenantId'")
        .param("database", database)
        .param("table", name);
    let found = within(statement.fetch_one::<u64>()).await.map_err(|error| of_engine(error, ""))?;
    Ok(found > 0)
}

/// What an answer has and the header does not, or has elsewhere.
fn columns_out_of_order(query: &NamedQuery, tree: &Tree) -> impl Iterator<Item = String> {
    let mut declared = query.columns().iter();
    let mut reasons = Vec::new();
    for (name, type_name) in &tree.columns {
        if type_name.starts_with("AggregateFunction") {
            reasons.push(format!(
                "column {name} is a state of an aggregation; finish it with a -Merge function"
            ));
        }
        if declared.any(|column| column.name == *name) {
            continue;
        }
        reasons.push(if query.columns().iter().any(|column| column.name == *name) {
            format!("column {name} comes in another order than the header has it")
        } else {
            format!("column {name} is not declared in [columns]")
        });
        break;
    }
    reasons.into_iter()
}

fn tables_not_as_declared(
    warehouse: &Warehouse,
    query: &NamedQuery,
    read: &BTreeSet<String>,
) -> impl Iterator<Item = String> {
    let prefix = format!("{}.", warehouse.database());
    let read: BTreeSet<_> = read.iter().filter_map(|table| table.strip_prefix(&prefix)).collect();
    let declared: BTreeSet<_> = query.tables().iter().map(String::as_str).collect();
    let missing =
        read.difference(&declared).map(|table| format!("table {table} is read, and tables does not name it"));
    let extra =
        declared.difference(&read).map(|table| format!("tables names {table}, which it does not read"));
    missing.chain(extra).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalogue;

    #[test]
    fn every_value_of_every_switch_is_asked_about_and_with_few_questions() {
        let catalogue = Catalogue::embedded().unwrap();
        let (mut few, mut all) = (0, 0);
        for query in catalogue.iter() {
            let covering = covering(query);
            few += covering.len();
            all += combinations(query).len();
            for parameter in query.describe().parameters {
                let is_asked = |value: &String| {
                    covering.iter().flatten().any(|(name, asked)| (name, asked) == (&parameter.name, value))
                };
                let is_switch = query.is_switched_by(&parameter.name);
                assert!(
                    parameter.values.iter().all(|value| is_asked(value) == is_switch),
                    "{} {}",
                    query.name(),
                    parameter.name
                );
            }
        }
        assert!(few < all * 3 / 4, "{few} of {all}");
    }
}
