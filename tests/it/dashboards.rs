//! Every panel and every alert rule of `deploy/grafana` asks the warehouse something that it can answer, through the
//! gateway's door for BI tools and with a key.
//!
//! The SQL is taken out of the JSON that Grafana reads, its macros are filled in as the data source fills them, and it
//! runs on what a simulated team has sent. Then another tenant has the same telemetry, and nothing may have changed.

mod door;
mod grafana;
mod team;

use std::collections::BTreeSet;

use futures::StreamExt;
use granary_gateway::{Catalogue, Format};
use granary_testkit::{metrics_documented, metrics_in, metrics_told};
use serde_json::Value;

use crate::events::{log, send};
use crate::isolation::differs;
use crate::receiver::Receiver;
use door::{Answer, Door};
use grafana::{Range, View};

/// Queries under way at once.
const AT_ONCE: usize = 4;

fn documents() -> Vec<(String, Value)> {
    let rendered = granary_dashboards::render().unwrap();
    rendered
        .into_iter()
        .map(|rendered| {
            let path = granary_dashboards::folder().join(&rendered.path);
            let text = std::fs::read_to_string(&path).unwrap();
            (rendered.path.display().to_string(), serde_json::from_str(&text).unwrap())
        })
        .collect()
}

/// One query of a panel, of a variable, or of a rule.
struct Asked {
    place: String,
    sql: String,
}

/// All SQL that is in the documents of a folder, with where it stands.
fn asked(folder: &str) -> Vec<Asked> {
    let mut found = Vec::new();
    for (path, document) in documents() {
        if path.starts_with(folder) {
            collect(&path, &document, &mut found);
        }
    }
    assert!(!found.is_empty(), "no SQL in {folder}");
    found
}

fn collect(place: &str, value: &Value, found: &mut Vec<Asked>) {
    match value {
        Value::Object(fields) => {
            let title = fields.get("title").or_else(|| fields.get("label")).and_then(Value::as_str);
            let place = title.map_or_else(|| place.to_owned(), |title| format!("{place}: {title}"));
            if let Some(sql) = fields.get("rawSql").and_then(Value::as_str) {
                found.push(Asked { place: place.clone(), sql: sql.to_owned() });
            }
            fields.values().for_each(|value| collect(&place, value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(place, value, found)),
        _ => {}
    }
}

/// Whether an answer shows what it should.
type IsEnough = fn(&Answer) -> bool;

/// Runs all of them and gives their answers, in order; what is wrong is told all at once.
async fn run(door: &Door, view: &View, asked: &[Asked], is_enough: IsEnough) -> Vec<Answer> {
    let answers: Vec<_> = futures::stream::iter(asked)
        .map(|asked| async move { (asked, door.ask(&view.fill(&asked.sql)).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let wrong: Vec<_> = answers
        .iter()
        .filter_map(|(asked, answer)| match answer {
            Err(error) => Some(format!("{}\n{error}", asked.place)),
            Ok(answer) if !is_enough(answer) => Some(format!("{}\nan empty answer", asked.place)),
            Ok(_) => None,
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} queries:\n\n{}", wrong.len(), asked.len(), wrong.join("\n\n"));
    answers.into_iter().filter_map(|(_, answer)| answer.ok()).collect()
}

#[tokio::test]
async fn every_panel_and_rule_has_an_answer_on_a_team_s_data_and_none_of_another_tenant() {
    let sent = team::telemetry().await;
    let door = Door::open(&sent.warehouse).await;
    let (of_granary, of_agents): (Vec<_>, Vec<_>) =
        asked("dashboards").into_iter().partition(|asked| asked.place.starts_with("dashboards/granary.json"));
    let rules = asked("provisioning/alerting");
    // A rule's figure may be 0, which is good news; without rows it looked at nothing.
    let everything: [(&[Asked], Range, IsEnough); 3] = [
        (&of_agents, sent.happened, Answer::shows_something),
        (&of_granary, sent.received, Answer::shows_something),
        (&rules, sent.received_just_now(), Answer::has_rows),
    ];
    let mut alone = Vec::new();
    for (asked, range, is_enough) in everything {
        alone.push(run(&door, &View::of_all(range, &sent.someone), asked, is_enough).await);
        // A choice narrows what is seen, for some panels to nothing; that every query can be narrowed is what counts.
        run(&door, &View::of_one(range, &sent.someone), asked, |_| true).await;
    }

    sent.copy_to_another_tenant().await;
    let theirs = door.ask_of("other", "SELECT DISTINCT UserId FROM otel_logs").await.unwrap();
    assert_eq!(theirs.rows(), [serde_json::json!(["intruder"])]);
    let mut changed = Vec::new();
    for ((asked, range, is_enough), alone) in everything.into_iter().zip(alone) {
        let among_others = run(&door, &View::of_all(range, &sent.someone), asked, is_enough).await;
        for ((asked, alone), among_others) in asked.iter().zip(&alone).zip(&among_others) {
            // How long ago something was is the one thing that goes on by itself.
            let goes_on = ["Freshness", "Nothing is stored"].iter().any(|title| asked.place.ends_with(title));
            let difference = differs(&alone.lines(), &among_others.lines()).filter(|_| !goes_on);
            changed.extend(difference.map(|difference| format!("{}\n{difference}", asked.place)));
        }
    }
    assert!(
        changed.is_empty(),
        "{} answers know of another tenant:\n\n{}",
        changed.len(),
        changed.join("\n\n")
    );
}

#[test]
fn the_documents_are_what_their_sources_make() {
    for rendered in granary_dashboards::render().unwrap() {
        let path = granary_dashboards::folder().join(&rendered.path);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, rendered.text(), "{}: cargo run -p granary-dashboards", rendered.path.display());
    }
}

#[test]
fn panels_stand_beside_one_another_and_ids_are_unique() {
    for (path, document) in documents().into_iter().filter(|(path, _)| path.starts_with("dashboards")) {
        let panels = document["panels"].as_array().unwrap();
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{path}");
        let mut taken = BTreeSet::new();
        for panel in panels {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            assert!(x + w <= 24, "{path}: {} is too wide", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{path}: {} covers another panel", panel["title"]);
            }
        }
    }
}

/// Metrics are counted once there is something to count, so what a receiver tells of is less than it could tell of; the table in
/// its documentation has them all, and is held here against what it tells of.
#[tokio::test]
async fn every_metric_that_is_asked_for_is_one_that_granary_has() {
    let documented = metrics_documented(include_str!("../../crates/granary-ingest/src/metrics.rs"));
    let receiver = Receiver::start("dashboards_metrics").await;
    assert!(send(&receiver, &[log("metrics")]).await.status().is_success());
    assert!(!receiver.post("logs").body("of no type").send().await.unwrap().status().is_success());
    receiver.accounting.settled().await;
    let told = metrics_told(&receiver.metrics());
    receiver.finish().await;
    assert!(told.len() > 15, "{told:?}");
    assert_eq!(told.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new(), "not documented");
    let known: BTreeSet<_> = documented.into_iter().chain(of_the_others()).chain(of_queries()).collect();

    let texts = documents().into_iter().map(|(_, document)| document.to_string()).chain(rules());
    let asked: BTreeSet<_> = texts.flat_map(|text| metrics_in(&text)).collect();
    assert!(asked.len() > 10, "{asked:?}");
    let is_unknown = |name: &&String| {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        !known.contains(*name) && !of_histogram.is_some_and(|histogram| known.contains(histogram))
    };
    assert_eq!(asked.iter().filter(is_unknown).collect::<Vec<_>>(), Vec::<&String>::new(), "asked for");
}

/// Those of the gateway and the archiver, by the tables in their documentation, which their own tests hold to the truth.
fn of_the_others() -> BTreeSet<String> {
    [
        include_str!("../../crates/granary-gateway/src/metrics.rs"),
        include_str!("../../crates/granary-gateway/src/cache/metrics.rs"),
        include_str!("../../crates/granary-archive/src/metrics.rs"),
    ]
    .into_iter()
    .flat_map(metrics_documented)
    .collect()
}

/// What named queries answer where they are asked for Prometheus' format.
fn of_queries() -> BTreeSet<String> {
    let catalogue = Catalogue::embedded().unwrap();
    let queries = catalogue.iter().filter(|query| query.formats().any(|format| format == Format::Prometheus));
    queries
        .flat_map(|query| {
            query.columns().iter().map(|column| format!("granary_{}_{}", query.name(), column.name))
        })
        .collect()
}

/// Prometheus' rules, but for their tests.
fn rules() -> Vec<String> {
    let folder = granary_dashboards::folder().join("../prometheus");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}
