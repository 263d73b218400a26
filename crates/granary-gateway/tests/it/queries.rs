//! What every named query answers, against figures worked out by hand.
//!
//! A file a group. Each tells a day of a few events as a text that can be read (`story.rs`), and then what each query says of it.
//! Whoever reads the story can add the figures up; the reason stands beside those that are not plain sums. The same story is told of
//! another tenant, too, so a query that forgets its tenant says everything twice.

mod answer;
mod cost;
mod story;

use granary_gateway::Catalogue;

use answer::Told;

/// The groups and the files that test them.
const GROUPS: [(&str, &str); 1] = [("cost", include_str!("queries/cost.rs"))];

#[test]
fn every_query_of_a_tested_group_has_a_test() {
    let catalogue = Catalogue::embedded().unwrap();
    let untested: Vec<_> = catalogue
        .iter()
        .filter(|query| {
            GROUPS
                .iter()
                .any(|(group, file)| query.group() == *group && !file.contains(&format!("(\"{}\",", query.name())))
        })
        .map(granary_gateway::NamedQuery::name)
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}
