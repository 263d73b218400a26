//! Answers that are read page by page.

use granary_gateway::{Catalogue, CursorKey, GatewayConfig};
use http::StatusCode;

use crate::support::{Reply, THE_DAY, TestGateway, encoded};

/// 60 events in which all that rows are ordered by is shared by several, up to their ids.
const TIES: &str = "INSERT INTO otel_logs (Timestamp, ServiceName, Body, ResourceAttributes, LogAttributes)
SELECT
    toDateTime64('2026-11-19 08:00:00.123456789', 9, 'UTC') + toIntervalNanosecond(100 * intDiv(number, 20)), 'claude-code', 'claude_code.user_prompt',
    map('team.id', 'team,\"0\"\\n'),
    map('event.name', 'user_prompt', 'event.sequence', toString(intDiv(number, 10)), 'session.id', 's1', 'prompt.id', toString(number))
FROM numbers(60)";

const SESSIONS: &str = "INSERT INTO otel_logs (Timestamp, ServiceName, Body, LogAttributes)
SELECT
    toDateTime64('2026-11-19 08:00:00', 9, 'UTC') + toIntervalSecond(intDiv(number, 5)), 'claude-code', 'claude_code.api_request',
    map('event.name', 'api_request', 'session.id', concat('t', toString(number)), 'model', 'm', 'cost_usd', toString(intDiv(number, 4) / 3))
FROM numbers(30)";

async fn over(test: &str, insert: &str, configure: impl FnOnce(&mut GatewayConfig)) -> TestGateway {
    let warehouse = granary_testkit::warehouse(test).await;
    warehouse.owner.execute(insert).await.unwrap();
    let configure = |config: &mut GatewayConfig| {
        config.burst = 100_000.try_into().unwrap();
        configure(config);
    };
    TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, configure)
}

/// The address of the next page.
fn next(reply: &Reply) -> Option<String> {
    let link = reply.headers.get("link")?.to_str().unwrap();
    let (address, rel) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert_eq!(rel, "; rel=\"next\"");
    assert!(address.ends_with(reply.headers["x-next-cursor"].to_str().unwrap()));
    Some(address.to_owned())
}

/// The rows of all pages, names left out, and how many pages there were.
async fn paged(gateway: &TestGateway, first: String, has_names: bool) -> (Vec<String>, usize) {
    let (mut rows, mut pages, mut address) = (Vec::new(), 0, Some(first));
    while let Some(path) = address {
        let reply = gateway.get(&path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {:?}", reply.body);
        let text = reply.text().trim_end_matches('\n');
        rows.extend(
            text.split('\n').filter(|line| !line.is_empty()).skip(usize::from(has_names)).map(str::to_owned),
        );
        pages += 1;
        address = next(&reply);
    }
    (rows, pages)
}

#[tokio::test]
async fn pages_of_any_size_are_the_whole() {
    let ties = over("pages_ties", TIES, |_| {}).await;
    let sessions = over("pages_sessions", SESSIONS, |_| {}).await;
    for (gateway, query, more, rows) in [
        (&ties, "session_timeline", "&session=s1", 60),
        (&ties, "audit_trail", "", 60),
        (&sessions, "sessions", "", 30),
        (&sessions, "sessions", "&sort=cost", 30),
        (&sessions, "sessions", "&sort=duration", 30),
    ] {
        for (format, has_names) in [("ndjson", false), ("tsv", true)] {
            let base = format!("/v1/queries/{query}.{format}?{THE_DAY}{more}");
            let (whole, pages) = paged(gateway, base.clone(), has_names).await;
            assert_eq!((whole.len(), pages), (rows, 1), "{query}");
            for size in [1, 7, 20, 30, 59, 60, 61] {
                let (paged, pages) = paged(gateway, format!("{base}&limit={size}"), has_names).await;
                assert_eq!(paged, whole, "{query}{more}.{format} by {size}");
                assert_eq!(pages, rows / size + 1);
            }
        }
    }
}

#[tokio::test]
async fn json_and_csv_have_the_same_pages() {
    let gateway = over("pages_formats", TIES, |_| {}).await;
    let page = format!("/v1/queries/audit_trail.json?{THE_DAY}&limit=25&cursor=");
    let (mut ids, mut address) = (Vec::new(), Some(page.clone()));
    while let Some(path) = address {
        let reply = gateway.get(&path).await;
        ids.extend(reply.json()["data"].as_array().unwrap().iter().map(|row| row["event_id"].clone()));
        address = next(&reply);
    }
    let mut csv_ids = Vec::new();
    let mut address = Some(page.replace(".json", ".csv"));
    while let Some(path) = address {
        let reply = gateway.get(&path).await;
        let lines = reply.text().lines().filter_map(|line| line.rsplit_once(',')).map(|(_, id)| id);
        csv_ids.extend(lines.filter(|id| id.len() > 20).map(|id| id.trim_matches('"').to_owned()));
        address = next(&reply);
    }
    assert_eq!(ids.len(), 60);
    assert_eq!(csv_ids, ids);
}

#[tokio::test]
async fn rows_that_are_stored_meanwhile_move_no_row_of_the_others() {
    let warehouse = granary_testkit::warehouse("pages_moving").await;
    warehouse.owner.execute(TIES).await.unwrap();
    let gateway = TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, |_| {});
    let base = format!("/v1/queries/session_timeline.ndjson?{THE_DAY}&session=s1");
    let whole: Vec<_> = gateway.get(&base).await.text().lines().map(str::to_owned).collect();
    let (mut rows, mut address, mut minute) = (Vec::new(), Some(format!("{base}&limit=13")), 0);
    while let Some(path) = address {
        let reply = gateway.get(&path).await;
        rows.extend(reply.text().lines().map(str::to_owned));
        address = next(&reply);
        // One before all others and one behind them.
        for hour in [7, 9] {
            let insert = TIES
                .replace("08:00:00.123456789", &format!("{hour:02}:{minute:02}:00"))
                .replace("numbers(60)", "numbers(1)");
            warehouse.owner.execute(&insert).await.unwrap();
        }
        minute += 1;
        assert!(minute < 30, "it comes to an end");
        if rows.len() > 90 {
            break;
        }
    }
    let known: Vec<_> = rows.iter().filter(|row| whole.contains(row)).cloned().collect();
    assert_eq!(known, whole, "each once, in order");
    let distinct: std::collections::BTreeSet<_> = rows.iter().collect();
    assert_eq!(distinct.len(), rows.len());
}

#[tokio::test]
async fn a_range_that_ends_now_is_the_same_on_every_page() {
    let gateway = over("pages_range", TIES, |_| {}).await;
    let first = gateway.get("/v1/queries/audit_trail.ndjson?from=-3650d&limit=5").await;
    let second = gateway.get(&next(&first).unwrap()).await;
    assert_eq!(second.status, StatusCode::OK);
    assert_eq!(second.text().lines().count(), 5);
}

#[tokio::test]
async fn a_cursor_is_refused_where_it_does_not_belong_and_when_it_is_touched() {
    let gateway = over("pages_refused", TIES, |_| {}).await;
    let first = gateway.get(&format!("/v1/queries/audit_trail.ndjson?{THE_DAY}&limit=5")).await;
    let cursor = first.headers["x-next-cursor"].to_str().unwrap();
    let ask = async |path: String| {
        let reply = gateway.get(&path).await;
        (reply.status, reply.text().to_owned())
    };
    let good = format!("/v1/queries/audit_trail.ndjson?{THE_DAY}&limit=7&cursor={cursor}");
    assert_eq!(ask(good).await.0, StatusCode::OK, "the size of a page may change");
    let mut touched = cursor.to_owned();
    touched.replace_range(30..31, if &touched[30..31] == "A" { "B" } else { "A" });
    for (query, cursor, detail) in [
        (format!("audit_trail.ndjson?{THE_DAY}"), touched.as_str(), "is none that was given here"),
        (format!("audit_trail.ndjson?{THE_DAY}"), "x' OR 1", "is none that was given here"),
        (format!("audit_trail.ndjson?{THE_DAY}&user=me"), cursor, "was given for another question"),
        (format!("session_timeline.ndjson?{THE_DAY}&session=s1"), cursor, "was given for another question"),
        ("audit_trail.ndjson?from=-24h".to_owned(), cursor, "was given for another question"),
        (format!("audit_trail.parquet?{THE_DAY}"), cursor, "goes with json, ndjson, csv and tsv alone"),
        (format!("cost_summary.json?{THE_DAY}"), cursor, "there is no parameter"),
    ] {
        let (status, text) = ask(format!("/v1/queries/{query}&cursor={}", encoded(cursor))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(text.contains(detail), "{query}: {text}");
    }
    let another = over("pages_another", TIES, |_| {}).await;
    let reply = another.get(&format!("/v1/queries/audit_trail.ndjson?{THE_DAY}&cursor={cursor}")).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "another gateway has another key");
}

#[tokio::test]
async fn gateways_with_one_key_take_each_other_s_cursors() {
    let key = |config: &mut GatewayConfig| config.cursor_key = Some(CursorKey::new("shared"));
    let warehouse = granary_testkit::warehouse("pages_key").await;
    warehouse.owner.execute(TIES).await.unwrap();
    let gateway = || TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, key);
    let first = gateway().get(&format!("/v1/queries/audit_trail.ndjson?{THE_DAY}&limit=50")).await;
    let second = gateway().get(&next(&first).unwrap()).await;
    assert_eq!(second.text().lines().count(), 10);
}

#[tokio::test]
async fn a_page_too_large_to_be_held_is_refused_where_pages_are_asked_for_and_streamed_where_not() {
    let gateway =
        over("pages_large", TIES, |config| config.cache_max_answer = bytesize::ByteSize::kib(4)).await;
    let path = format!("/v1/queries/audit_trail.ndjson?{THE_DAY}");
    let refused = gateway.get(&format!("{path}&cursor=")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        refused.problem()["detail"],
        "the answer needs more bytes in a page than it may have; ask for a shorter range or fewer rows"
    );
    let streamed = gateway.get(&path).await;
    assert_eq!((streamed.text().lines().count(), streamed.headers.get("link")), (60, None));
}
