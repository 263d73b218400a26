//! What the engine makes of a query: its columns, the tables it reads, and whether each is held to one tenant.
//!
//! Read from `EXPLAIN QUERY TREE`, where names are resolved and parameters are values. A table is held to the tenant
//! if the `WHERE` or `PREWHERE` of the very `SELECT` that reads it demands, as one of the things that must all hold,
//! that its `TenantId` equals the tenant. The same may be demanded of a subquery's `TenantId`, where that is its only
//! table's and nothing in it looks across tenants before.

use std::collections::BTreeSet;

/// A line of the tree with what is indented below it.
#[derive(Debug)]
struct Node<'a> {
    line: &'a str,
    below: Vec<Node<'a>>,
}

/// What was found in a tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// Name and type of each column of the answer, in order.
    pub(super) columns: Vec<(String, String)>,
    /// Every table that is read.
    pub(super) tables: BTreeSet<String>,
    /// Those that are read without being held to the tenant.
    pub(super) unfiltered: BTreeSet<String>,
    /// Table functions that are called.
    pub(super) functions: BTreeSet<String>,
}

impl Tree {
    /// Reads the lines of `EXPLAIN QUERY TREE` of a query that was asked for `tenant`.
    pub(super) fn read(lines: &[String], tenant: &str) -> Self {
        let lines: Vec<_> = lines.iter().flat_map(|line| line.lines()).collect();
        let roots = nodes(&lines);
        let mut tree = Self::default();
        for root in &roots {
            tree.columns.extend(columns(root));
            tree.visit(root, &BTreeSet::new(), tenant);
        }
        tree
    }

    fn visit<'a>(&mut self, node: &Node<'a>, held: &BTreeSet<&'a str>, tenant: &str) {
        let own;
        let held = match node.kind() {
            // The queries of a union are its rows.
            "UNION" if node.value("id").is_some_and(|id| held.contains(id)) => {
                own = node.queries().filter_map(|query| query.value("id")).collect();
                &own
            }
            "QUERY" => {
                own = held_sources(node, tenant).into_iter().chain(held_from_outside(node, held)).collect();
                &own
            }
            _ => held,
        };
        match node.kind() {
            "TABLE" => {
                let name = node.value("table_name").unwrap_or_default();
                self.tables.insert(name.to_owned());
                if !node.value("id").is_some_and(|id| held.contains(id)) {
                    self.unfiltered.insert(name.to_owned());
                }
            }
            "TABLE_FUNCTION" => {
                self.functions.insert(node.value("table_function_name").unwrap_or_default().to_owned());
            }
            _ => {}
        }
        for below in &node.below {
            self.visit(below, held, tenant);
        }
    }
}

impl<'a> Node<'a> {
    /// What comes before the first space: `QUERY`, `TABLE`, `FUNCTION`, …
    fn kind(&self) -> &'a str {
        self.line.split_once(" id: ").map_or("", |(kind, _)| kind)
    }

    /// The value behind `name: `, up to the next comma outside of quotes.
    fn value(&self, name: &str) -> Option<&'a str> {
        let mark = format!("{name}: ");
        let at = self.line.match_indices(&mark).find(|(at, _)| {
            let before = self.line.get(..*at).unwrap_or_default();
            before.ends_with(' ')
        })?;
        let rest = self.line.get(at.0 + mark.len()..)?;
        let (mut quoted, mut escaped) = (false, false);
        let end = rest.find(|c| {
            let ends = c == ',' && !quoted;
            quoted ^= c == '\'' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        rest.get(..end.unwrap_or(rest.len()))
    }

    fn section(&self, name: &str) -> impl Iterator<Item = &Node<'a>> {
        self.below.iter().filter(move |below| below.line == name).flat_map(|below| &below.below)
    }

    fn arguments(&self) -> impl Iterator<Item = &Node<'a>> {
        self.section("ARGUMENTS").flat_map(|list| &list.below)
    }

    fn queries(&self) -> impl Iterator<Item = &Node<'a>> {
        self.section("QUERIES").flat_map(|list| &list.below)
    }

    fn is_function(&self, name: &str) -> bool {
        self.kind() == "FUNCTION" && self.value("function_name") == Some(name)
    }
}

/// Makes a tree of lines by how far they are indented.
fn nodes<'a>(lines: &[&'a str]) -> Vec<Node<'a>> {
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut roots = Vec::new();
    let mut open: Vec<(usize, Node<'a>)> = Vec::new();
    let close = |open: &mut Vec<(usize, Node<'a>)>, roots: &mut Vec<Node<'a>>| {
        if let Some((_, node)) = open.pop() {
            match open.last_mut() {
                Some((_, parent)) => parent.below.push(node),
                None => roots.push(node),
            }
        }
    };
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        let depth = depth(line);
        while open.last().is_some_and(|(above, _)| *above >= depth) {
            close(&mut open, &mut roots);
        }
        open.push((depth, Node { line: line.trim(), below: Vec::new() }));
    }
    while !open.is_empty() {
        close(&mut open, &mut roots);
    }
    roots
}

/// The columns of the outermost query; of a union, those of its first.
fn columns(root: &Node) -> Vec<(String, String)> {
    if root.kind() == "UNION" {
        let first = root.queries().next();
        return first.map(columns).unwrap_or_default();
    }
    let lines = root.section("PROJECTION COLUMNS").map(|column| column.line);
    lines
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .map(|(name, type_name)| (name.trim_matches('`').to_owned(), type_name.to_owned()))
        .collect()
}

/// The ids of the sources that a query holds to the tenant.
fn held_sources<'a>(query: &Node<'a>, tenant: &str) -> BTreeSet<&'a str> {
    let mut held = BTreeSet::new();
    let mut demands: Vec<&Node<'a>> = query.section("WHERE").chain(query.section("PREWHERE")).collect();
    while let Some(demand) = demands.pop() {
        if demand.is_function("and") {
            demands.extend(demand.arguments());
        } else if demand.is_function("equals") {
            let sides: Vec<_> = demand.arguments().collect();
            if let [left, right] = sides.as_slice() {
                held.extend([(left, right), (right, left)].into_iter().filter_map(|(column, constant)| {
                    let is_tenant = constant.kind() == "CONSTANT"
                        && constant.value("constant_value").map(|value| value.trim_matches('\''))
                            == Some(tenant);
                    (is_tenant
                        && column.kind() == "COLUMN"
                        && column.value("column_name") == Some("TenantId"))
                    .then(|| column.value("source_id"))
                    .flatten()
                }));
            }
        }
    }
    held
}

/// The source that a subquery's `TenantId` is of, where what is around holds that to the tenant.
fn held_from_outside<'a>(query: &Node<'a>, held: &BTreeSet<&'a str>) -> Option<&'a str> {
    if !query.value("id").is_some_and(|id| held.contains(id)) {
        return None;
    }
    // Rows that are cut off or numbered were chosen from everybody's; of joined ones, one side is anybody's.
    let sections = ["LIMIT", "OFFSET", "LIMIT BY", "WINDOW", "QUALIFY"];
    let looks_across = sections.iter().any(|name| query.section(name).next().is_some())
        || query.section("JOIN TREE").any(|source| !matches!(source.kind(), "TABLE" | "QUERY" | "UNION"))
        || query.section("PROJECTION").any(has_window);
    if looks_across {
        return None;
    }
    let place = columns(query).iter().position(|(name, _)| name == "TenantId")?;
    let column = query.section("PROJECTION").flat_map(|list| &list.below).nth(place)?;
    (column.kind() == "COLUMN" && column.value("column_name") == Some("TenantId"))
        .then(|| column.value("source_id"))
        .flatten()
}

fn has_window(node: &Node) -> bool {
    node.value("function_type") == Some("window") || node.below.iter().any(has_window)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "QUERY id: 0
  PROJECTION COLUMNS
    model LowCardinality(String)
    when DateTime64(9, 'UTC')
  PROJECTION
    LIST id: 1, nodes: 1
      COLUMN id: 2, column_name: Model, result_type: LowCardinality(String), source_id: 3
  JOIN TREE
    TABLE id: 3, alias: __table1, table_name: otel.cost_hourly
  WHERE
    FUNCTION id: 4, function_name: and, function_type: ordinary, result_type: UInt8
      ARGUMENTS
        LIST id: 5, nodes: 2
          FUNCTION id: 6, function_name: equals, function_type: ordinary, result_type: UInt8
            ARGUMENTS
              LIST id: 7, nodes: 2
                COLUMN id: 8, column_name: TenantId, result_type: LowCardinality(String), source_id: 3
                CONSTANT id: 9, constant_value: 'acme', constant_value_type: String
          FUNCTION id: 10, function_name: in, function_type: ordinary, result_type: UInt8
            ARGUMENTS
              LIST id: 11, nodes: 2
                COLUMN id: 2, column_name: Model, result_type: LowCardinality(String), source_id: 3
                QUERY id: 12, is_subquery: 1
                  JOIN TREE
                    TABLE id: 13, alias: __table2, table_name: otel.model_prices
";

    fn read(text: &str) -> Tree {
        Tree::read(&text.lines().map(str::to_owned).collect::<Vec<_>>(), "acme")
    }

    #[test]
    fn columns_and_tables_are_read_and_a_table_that_is_not_filtered_is_seen() {
        let tree = read(TREE);
        assert_eq!(tree.columns[1], ("when".to_owned(), "DateTime64(9, 'UTC')".to_owned()));
        assert_eq!(Vec::from_iter(&tree.tables), ["otel.cost_hourly", "otel.model_prices"]);
        assert_eq!(Vec::from_iter(&tree.unfiltered), ["otel.model_prices"]);
    }

    #[test]
    fn a_filter_that_need_not_hold_or_is_of_something_else_holds_nothing() {
        for (from, to) in [
            ("function_name: and", "function_name: or"),
            ("function_name: equals", "function_name: notEquals"),
            ("source_id: 3\n                CONSTANT", "source_id: 13\n                CONSTANT"),
            ("column_name: TenantId", "column_name: UserId"),
            ("'acme'", "'default'"),
            ("  WHERE", "  HAVING"),
        ] {
            let tree = read(&TREE.replacen(from, to, 1));
            assert!(tree.unfiltered.contains("otel.cost_hourly"), "{to}");
        }
    }

    const OUTER: &str = "QUERY id: 0
  JOIN TREE
    UNION id: 1, is_subquery: 1
      QUERIES
        LIST id: 2, nodes: 1
          QUERY id: 3, alias: __table2
            PROJECTION COLUMNS
              n UInt64
              TenantId LowCardinality(String)
            PROJECTION
              LIST id: 4, nodes: 2
                FUNCTION id: 5, function_name: count, function_type: aggregate, result_type: UInt64
                COLUMN id: 6, column_name: TenantId, result_type: LowCardinality(String), source_id: 7
            JOIN TREE
              TABLE id: 7, alias: __table3, table_name: otel.otel_logs
  WHERE
    FUNCTION id: 8, function_name: equals, function_type: ordinary, result_type: UInt8
      ARGUMENTS
        LIST id: 9, nodes: 2
          COLUMN id: 10, column_name: TenantId, result_type: LowCardinality(String), source_id: 1
          CONSTANT id: 11, constant_value: 'acme', constant_value_type: String
";

    #[test]
    fn a_filter_around_a_subquery_holds_unless_the_subquery_looked_across_tenants_before() {
        assert_eq!(read(OUTER).unfiltered.len(), 0);
        for (from, to) in [
            ("function_type: aggregate", "function_type: window"),
            (
                "  WHERE",
                "            LIMIT\n              CONSTANT id: 12, constant_value: UInt64_1\n  WHERE",
            ),
            (
                "column_name: TenantId, result_type: LowCardinality(String), source_id: 7",
                "column_name: UserId, source_id: 7",
            ),
            ("source_id: 1\n", "source_id: 99\n"),
        ] {
            assert_eq!(read(&OUTER.replacen(from, to, 1)).unfiltered.len(), 1, "{to}");
        }
    }
}
