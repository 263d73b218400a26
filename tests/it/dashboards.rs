//! Every panel and every alert rule of `deploy/grafana` asks the warehouse something that it can answer.
//!
//! The SQL is taken out of the JSON that Grafana reads, its macros are filled in as the data source fills them, and it
//! runs as the user that may only read, on what a simulated team has sent.

mod grafana;
mod team;

use std::collections::BTreeSet;

use futures::StreamExt;
use granary_clickhouse::ClickHouseConfig;
use serde_json::Value;

use crate::events::{log, send};
use crate::receiver::Receiver;
use grafana::View;

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

/// One query of a panel, or of a rule.
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
            let title = fields.get("title").and_then(Value::as_str);
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

/// Asks over HTTP, as the data source does: parameters and placeholders mean nothing there.
async fn answer(reader: &ClickHouseConfig, sql: &str) -> Result<Value, String> {
    let answer = reqwest::Client::new()
        .post(&reader.url)
        .query(&[("database", reader.database.as_str()), ("default_format", "JSONCompact")])
        .header("X-ClickHouse-User", &reader.user)
        .header("X-ClickHouse-Key", &reader.password)
        .body(sql.to_owned())
        .send()
        .await
        .unwrap();
    let is_success = answer.status().is_success();
    let text = answer.text().await.unwrap();
    if is_success { Ok(serde_json::from_str(&text).unwrap()) } else { Err(text) }
}

/// Something that can be seen: a row with a number that is not 0 or, without numbers, any row.
fn shows_something(answer: &Value) -> bool {
    let is_number = |kind: &str| ["Int", "Float", "Decimal"].iter().any(|name| kind.contains(name));
    let numbers: Vec<usize> = answer["meta"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .filter_map(|(place, column)| is_number(column["type"].as_str().unwrap()).then_some(place))
        .collect();
    let seen = |value: &Value| match value {
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(number) => number != "0",
        _ => false,
    };
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .any(|row| numbers.is_empty() || numbers.iter().any(|place| seen(&row[*place])))
}

fn has_rows(answer: &Value) -> bool {
    !answer["data"].as_array().unwrap().is_empty()
}

/// Runs all of them; what is wrong is told all at once.
async fn run(reader: &ClickHouseConfig, view: &View, asked: &[Asked], is_enough: fn(&Value) -> bool) {
    let answers: Vec<_> = futures::stream::iter(asked)
        .map(|asked| async move { (asked, answer(reader, &view.fill(&asked.sql)).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let wrong: Vec<_> = answers
        .into_iter()
        .filter_map(|(asked, answer)| match answer {
            Err(error) => Some(format!("{}\n{error}", asked.place)),
            Ok(answer) if !is_enough(&answer) => Some(format!("{}\nan empty answer", asked.place)),
            Ok(_) => None,
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} queries:\n\n{}", wrong.len(), asked.len(), wrong.join("\n\n"));
}

#[tokio::test]
async fn every_panel_and_rule_has_an_answer_on_a_team_s_data() {
    let sent = team::telemetry().await;
    let reader = &sent.warehouse.reader_config;
    let (of_granary, of_agents): (Vec<_>, Vec<_>) =
        asked("dashboards").into_iter().partition(|asked| asked.place.starts_with("dashboards/granary.json"));
    for (panels, range) in [(of_agents, sent.happened), (of_granary, sent.received)] {
        run(reader, &View::of_all(range), &panels, shows_something).await;
        // A choice narrows what is seen, for some panels to nothing; that every query can be narrowed is what counts.
        run(reader, &View::of_one(range, &sent.someone), &panels, |_| true).await;
    }
    // A rule's figure may be 0, which is good news; without rows it looked at nothing.
    run(reader, &View::of_all(sent.happened), &asked("provisioning/alerting"), has_rows).await;
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

/// The names of metrics in a text: words that begin as ours do.
fn metrics(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("granary_"))
        .map(str::to_owned)
        .collect()
}

/// The series that an exposition's `# TYPE` lines promise, a histogram by its name alone.
fn series(exposition: &str) -> BTreeSet<String> {
    exposition
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() })
        .collect()
}

/// Metrics are counted once there is something to count, so what a receiver tells of is less than it could tell of; the table in
/// its documentation has them all, and is held here against what it tells of.
#[tokio::test]
async fn every_metric_that_is_asked_for_is_one_that_granary_has() {
    let table = include_str!("../../crates/granary-ingest/src/metrics.rs")
        .lines()
        .filter(|line| line.starts_with("//! |"));
    let documented = metrics(&table.collect::<String>());
    let receiver = Receiver::start("dashboards_metrics").await;
    assert!(send(&receiver, &[log("metrics")]).await.status().is_success());
    assert!(!receiver.post("logs").body("of no type").send().await.unwrap().status().is_success());
    receiver.accounting.settled().await;
    let told = series(&receiver.metrics());
    receiver.finish().await;
    assert!(told.len() > 15, "{told:?}");
    assert_eq!(told.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new(), "not documented");

    let texts = documents().into_iter().map(|(_, document)| document.to_string()).chain(rules());
    let asked: BTreeSet<_> = texts.flat_map(|text| metrics(&text)).collect();
    assert!(asked.len() > 10, "{asked:?}");
    let is_unknown = |name: &&String| {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        !documented.contains(*name) && !of_histogram.is_some_and(|histogram| documented.contains(histogram))
    };
    assert_eq!(asked.iter().filter(is_unknown).collect::<Vec<_>>(), Vec::<&String>::new(), "asked for");
}

/// Prometheus' rules, but for their tests.
fn rules() -> Vec<String> {
    let folder = granary_dashboards::folder().join("../prometheus");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}
