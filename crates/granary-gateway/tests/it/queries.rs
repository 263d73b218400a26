//! What every named query answers, against figures worked out by hand.
//!
//! A file a group. Each tells a day of a few events as a text that can be read (`story.rs`), and then what each query says of it.
//! Whoever reads the story can add the figures up; the reason stands beside those that are not plain sums. The same story is told of
//! another tenant, too, so a query that forgets its tenant says everything twice.

mod answer;
mod cost;
mod errors;
mod operations;
mod performance;
mod productivity;
mod reads;
mod security;
mod sessions;
mod story;
mod subagents;
mod tools;
mod trends;
mod usage;

use granary_gateway::Catalogue;

const TESTS: [&str; 12] = [
    include_str!("accounting.rs"),
    include_str!("queries/cost.rs"),
    include_str!("queries/errors.rs"),
    include_str!("queries/operations.rs"),
    include_str!("queries/performance.rs"),
    include_str!("queries/productivity.rs"),
    include_str!("queries/security.rs"),
    include_str!("queries/sessions.rs"),
    include_str!("queries/subagents.rs"),
    include_str!("queries/tools.rs"),
    include_str!("queries/trends.rs"),
    include_str!("queries/usage.rs"),
];

#[test]
fn every_query_is_asked_about_a_story() {
    let catalogue = Catalogue::embedded().unwrap();
    let asked = |name: &str| {
        let (told, fetched) = (format!("(\"{name}\","), format!("/{name}.json"));
        TESTS.iter().any(|test| test.contains(&told) || test.contains(&fetched))
    };
    // What those answer is made by asking; audit.rs and statistics.rs ask them.
    let asked = |name: &str| asked(name) || ["query_audit", "query_statistics"].contains(&name);
    let untold: Vec<_> = catalogue.iter().map(|query| query.name()).filter(|name| !asked(name)).collect();
    assert!(untold.is_empty(), "{untold:?}");
}
