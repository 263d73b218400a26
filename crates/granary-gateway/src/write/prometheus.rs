//! Prometheus' text exposition, of queries that declare which columns are values and which are labels.
//!
//! Every value column is a gauge of its own, `granary_<query>_<column>`, whose samples must stand together while rows
//! come with one of each: they are kept until the last row, up to [`MAX_BYTES`]. A value that is null has no sample.

use std::collections::HashSet;

use super::cell::Cell;
use super::rows::{Names, RowWriter};
use crate::RunError;
use crate::catalogue::Samples;

/// What all samples may take; a scrape with more is no scrape.
const MAX_BYTES: usize = 16 << 20;

/// Writes samples.
#[derive(Debug)]
pub(super) struct Exposition {
    labels: Vec<String>,
    gauges: Vec<Gauge>,
    /// Labels of the rows that have come: no two may have the same ones.
    seen: HashSet<String>,
    kept_bytes: usize,
}

#[derive(Debug)]
struct Gauge {
    column: String,
    name: String,
    help: String,
    samples: Vec<u8>,
}

impl Exposition {
    pub(super) fn new(query: &str, samples: &Samples) -> Self {
        let gauge = |(column, help): &(String, String)| Gauge {
            column: column.clone(),
            name: format!("granary_{query}_{column}"),
            help: help.replace('\\', "\\\\").replace('\n', "\\n"),
            samples: Vec::new(),
        };
        Self {
            labels: samples.labels.clone(),
            gauges: samples.values.iter().map(gauge).collect(),
            seen: HashSet::new(),
            kept_bytes: 0,
        }
    }
}

impl RowWriter for Exposition {
    fn begin(&mut self, _: &Names, _: &mut Vec<u8>) {}

    fn row(&mut self, columns: &Names, cells: &[Cell<'_>], _: &mut Vec<u8>) -> Result<(), RunError> {
        let cell = |name: &str| columns.position(name).and_then(|at| cells.get(at));
        let labels: Vec<_> = self
            .labels
            .iter()
            .filter_map(|name| Some(format!("{name}=\"{}\"", escaped(cell(name)?.text()))))
            .collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        for gauge in &mut self.gauges {
            let Some(number) = cell(&gauge.column).and_then(Cell::number) else { continue };
            let before = gauge.samples.len();
            for text in [&gauge.name, labels.as_str(), " ", number, "\n"] {
                gauge.samples.extend_from_slice(text.as_bytes());
            }
            self.kept_bytes += gauge.samples.len() - before;
        }
        self.kept_bytes += labels.len();
        if self.kept_bytes > MAX_BYTES {
            return Err(RunError::AnswerTooLarge { what: "samples for Prometheus" });
        }
        if self.seen.insert(labels) { Ok(()) } else { Err(RunError::RepeatedLabels) }
    }

    fn finish(&mut self, _: &Names, out: &mut Vec<u8>) {
        for gauge in &self.gauges {
            if !gauge.samples.is_empty() {
                let head = format!("# HELP {0} {1}\n# TYPE {0} gauge\n", gauge.name, gauge.help);
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(&gauge.samples);
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::rows::tests::written;

    fn exposition() -> Exposition {
        let values = [("cost", "USD"), ("calls", "how\noften")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        Exposition::new("q", &Samples { values: values.into(), labels: vec!["tool".to_owned()] })
    }

    const HEAD: [&str; 2] = [r#"["tool","cost","calls"]"#, r#"["String","Float64","UInt64"]"#];

    #[test]
    fn samples_of_a_gauge_stand_together_and_a_null_has_none() {
        let lines = [HEAD[0], HEAD[1], r#"["a\"\\\n",1.5e-7,18446744073709551615]"#, r#"["b",null,true]"#];
        insta::assert_snapshot!(written(exposition(), &lines, 11).unwrap(), @r#"
        # HELP granary_q_cost USD
        # TYPE granary_q_cost gauge
        granary_q_cost{tool="a\"\\\n"} 1.5e-7
        # HELP granary_q_calls how\noften
        # TYPE granary_q_calls gauge
        granary_q_calls{tool="a\"\\\n"} 18446744073709551615
        granary_q_calls{tool="b"} 1
        "#);
    }

    #[test]
    fn two_rows_with_the_same_labels_are_an_error() {
        let lines = [HEAD[0], HEAD[1], r#"["a",1,1]"#, r#"["a",2,2]"#];
        assert!(matches!(written(exposition(), &lines, 100), Err(RunError::RepeatedLabels)));
    }
}
