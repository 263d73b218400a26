//! Events as they are stored.

mod running;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use axum::body::Body;
use granary_clickhouse::Warehouse;
use granary_gateway::{Catalogue, GatewayConfig};
use granary_testkit::TestWarehouse;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{TestGateway, until};

/// Some rows of one insert, numbered.
#[derive(Clone)]
struct Rows {
    numbers: std::ops::Range<u64>,
    tenant: &'static str,
    batch: &'static str,
    age: &'static str,
}

fn rows(numbers: std::ops::Range<u64>) -> Rows {
    Rows { numbers, tenant: "default", batch: "generateUUIDv4(0)", age: "0" }
}

impl Rows {
    async fn insert(self, warehouse: &Warehouse) {
        let Self { numbers, tenant, batch, age } = self;
        let sql = format!(
            "INSERT INTO otel_logs (Timestamp, ServiceName, Body, SeverityText, SeverityNumber, ResourceAttributes, \
             LogAttributes, TenantId, BatchId, EventId, IngestedAt) \
             SELECT now64(9) - toIntervalSecond({age}), 'claude-code', 'claude_code.tool_result', 'INFO', if(number % 5 = 0, 17, 9), \
             map('team.id', concat('team', toString(number % 2))), \
             map('event.name', 'tool_result', 'event.sequence', toString(number), \
             'session.id', concat('s', toString(number % 4)), 'user.email', concat('u', toString(number % 3)), \
             'tool_name', if(number % 2 = 0, 'Bash', 'Read')), '{tenant}', {batch}, number + 1, now64(3) - toIntervalSecond({age}) \
             FROM numbers({}, {})",
            numbers.start,
            numbers.end - numbers.start,
        );
        warehouse.execute(&sql).await.unwrap();
    }
}

fn gateway(warehouse: &TestWarehouse, configure: impl FnOnce(&mut GatewayConfig)) -> TestGateway {
    TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, configure)
}

/// A client that takes server-sent events.
struct Feed {
    body: Body,
    text: String,
}

/// One of them: id, name and data.
#[derive(Debug)]
struct Sent {
    id: String,
    name: String,
    data: Value,
}

impl Sent {
    fn number(&self) -> u64 {
        assert_eq!(self.name, "logs", "{self:?}");
        let number = &self.data["attributes"]["event.sequence"];
        number.as_str().unwrap().parse().unwrap()
    }
}

impl Feed {
    /// Listens; when this returns, whatever is stored is sent.
    async fn open(gateway: &TestGateway, query: &str, after: Option<&str>) -> Self {
        let mut request = Request::get(format!("/v1/live?{query}"));
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = gateway.begin(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut feed = Self { body: response.into_body(), text: String::new() };
        assert_eq!(feed.next().await.unwrap().name, "state");
        feed
    }

    /// The next event; none where the answer ended in good order.
    async fn next(&mut self) -> Option<Sent> {
        let next = async {
            loop {
                if let Some((block, rest)) = self.text.split_once("\n\n") {
                    let (block, rest) = (block.to_owned(), rest.to_owned());
                    self.text = rest;
                    if block.starts_with(':') {
                        continue;
                    }
                    let field = |name: &str| {
                        let of = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
                        block.lines().find_map(of).unwrap_or_default()
                    };
                    let data = serde_json::from_str(&field("data")).unwrap();
                    return Some(Sent { id: field("id"), name: field("event"), data });
                }
                let frame = self.body.frame().await?.expect("it is not cut");
                self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(60), next).await.expect("something is said")
    }

    /// Events until a number is there, in the order of coming.
    async fn until(&mut self, last: u64) -> Vec<Sent> {
        let mut sent = Vec::new();
        loop {
            sent.push(self.next().await.unwrap());
            if sent.last().unwrap().number() == last {
                return sent;
            }
        }
    }
}

fn numbers(sent: &[Sent]) -> Vec<u64> {
    sent.iter().map(Sent::number).collect()
}

#[tokio::test]
async fn two_receivers_insert_at_once_and_every_client_gets_every_event_once() {
    let warehouse = granary_testkit::warehouse("live_once").await;
    let gateway = gateway(&warehouse, |config| config.max_live_queue_events = 5_000.try_into().unwrap());
    rows(900_000..900_010).insert(&warehouse.owner).await;
    let mut feeds = Vec::new();
    for _ in 0..3 {
        feeds.push(Feed::open(&gateway, "", None).await);
    }
    // The second is one that does not say which batch a row belongs to.
    let batches = ["generateUUIDv4(0)", "toUUID('00000000-0000-0000-0000-000000000000')"];
    let inserters = batches.into_iter().zip([0, 10_000]).map(|(batch, start)| {
        let owner = warehouse.owner.clone();
        tokio::spawn(async move {
            for n in 0..30 {
                let numbers = start + 25 * n..start + 25 * (n + 1);
                Rows { batch, ..rows(numbers) }.insert(&owner).await;
            }
        })
    });
    futures::future::join_all(inserters).await.into_iter().for_each(Result::unwrap);
    rows(800_000..800_001).insert(&warehouse.owner).await;
    let expected: Vec<u64> = (0..750).chain(10_000..10_750).chain([800_000]).collect();
    for feed in &mut feeds {
        let mut sent = Vec::new();
        while sent.len() < expected.len() {
            sent.push(feed.next().await.unwrap());
        }
        let ids: HashSet<_> = sent.iter().map(|event| &event.id).collect();
        assert_eq!(ids.len(), sent.len(), "an id is one event's");
        let mut numbers = numbers(&sent);
        numbers.sort_unstable();
        assert_eq!(numbers, expected, "and what was there before is nobody's news");
        let quiet = tokio::time::timeout(Duration::from_millis(1), feed.body.frame()).await;
        assert!(quiet.is_err(), "there is no more");
    }
}

#[tokio::test]
async fn late_events_are_news_when_they_are_stored() {
    let warehouse = granary_testkit::warehouse("live_late").await;
    let gateway = gateway(&warehouse, |_| {});
    let mut feed = Feed::open(&gateway, "", None).await;
    Rows { age: "40 * 86400", ..rows(0..3) }.insert(&warehouse.owner).await;
    assert_eq!(numbers(&feed.until(2).await), [0, 1, 2]);
}

#[tokio::test]
async fn an_insert_that_becomes_visible_behind_newer_ones_is_not_passed_over() {
    let warehouse = granary_testkit::warehouse("live_order").await;
    let gateway = gateway(&warehouse, |_| {});
    let mut feed = Feed::open(&gateway, "", None).await;
    // Whatever order the server takes: the row that tells of an insert is made by hand.
    let view = "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 'stored_inserts_mv'";
    let view: String = warehouse.owner.query(view).fetch_one().await.unwrap();
    let select = view.split_once(" AS SELECT ").unwrap().1.to_owned();
    warehouse.owner.execute("DROP VIEW stored_inserts_mv").await.unwrap();
    let tell = |moment: &str, count: &str, events: &str| {
        let select = select.replace("now64(3, 'UTC')", moment).replace("count()", count);
        let select = select.replace(" GROUP BY", &format!(" WHERE {events} GROUP BY"));
        format!("INSERT INTO stored_inserts SELECT {select}")
    };
    let long_ago = "now64(3, 'UTC') - toIntervalSecond(60)";
    let owner = &warehouse.owner;
    rows(0..3).insert(owner).await;
    owner.execute(&tell("now64(3, 'UTC')", "count()", "EventId <= 3")).await.unwrap();
    assert_eq!(numbers(&feed.until(2).await), [0, 1, 2]);

    // A minute later than its time.
    rows(10..13).insert(owner).await;
    owner.execute(&tell(long_ago, "count()", "EventId BETWEEN 11 AND 13")).await.unwrap();
    assert_eq!(numbers(&feed.until(12).await), [10, 11, 12]);

    // One row is there, and two are told of; the other one comes after that.
    let batch = "toUUID('0195f2a0-0000-7000-8000-000000000001')";
    Rows { batch, age: "5", ..rows(20..21) }.insert(owner).await;
    let window = tell("now64(3, 'UTC')", "toUInt64(2)", "EventId = 21")
        .replace("max(Timestamp)", "max(Timestamp) + toIntervalSecond(60)")
        .replace("max(IngestedAt)", "max(IngestedAt) + toIntervalSecond(60)");
    owner.execute(&window).await.unwrap();
    rows(30..31).insert(owner).await;
    owner.execute(&tell("now64(3, 'UTC')", "count()", "EventId = 31")).await.unwrap();
    assert_eq!(numbers(&feed.until(30).await), [30], "half an insert is waited for, and holds up no other");
    Rows { batch, age: "5", ..rows(21..22) }.insert(owner).await;
    assert_eq!(numbers(&feed.until(21).await), [20, 21]);
}

/// Whether an event of that number is wanted.
type Wanted = fn(u64) -> bool;

#[tokio::test]
async fn only_what_was_asked_for_comes_and_nothing_of_another_tenant() {
    let warehouse = granary_testkit::warehouse("live_filters").await;
    let gateway = gateway(&warehouse, |_| {});
    let asked: [(&str, Wanted); 8] = [
        ("", |_| true),
        ("session=s1&session=s2", |n| matches!(n % 4, 1 | 2)),
        ("user=u0", |n| n % 3 == 0),
        ("team=team1", |n| n % 2 == 1),
        ("tool=Bash", |n| n % 2 == 0),
        ("severity=error", |n| n % 5 == 0),
        ("event=tool_result&tool=Read&user=u1", |n| n % 2 == 1 && n % 3 == 1),
        ("event=api_request", |_| false),
    ];
    let mut feeds = Vec::new();
    for (query, wanted) in asked {
        feeds.push((Feed::open(&gateway, query, None).await, query, wanted));
    }
    let theirs = Rows { tenant: "other", ..rows(0..100) };
    theirs.clone().insert(&warehouse.owner).await;
    rows(1000..1100).insert(&warehouse.owner).await;
    Rows { numbers: 100..200, ..theirs }.insert(&warehouse.owner).await;
    // Something that everybody waits for, of each kind.
    let sql = "INSERT INTO otel_logs (Timestamp, LogAttributes, SeverityNumber, EventId, ResourceAttributes) SELECT now64(9), \
         map('event.name', e, 'event.sequence', '9999', 'session.id', 's1', 'user.email', u, 'tool_name', t), 17, \
         cityHash64(e, u, t, team), map('team.id', team) \
         FROM (SELECT arrayJoin(['tool_result', 'api_request']) AS e, arrayJoin(['u0', 'u1']) AS u, \
         arrayJoin(['Bash', 'Read']) AS t, arrayJoin(['team0', 'team1']) AS team)";
    warehouse.owner.execute(sql).await.unwrap();
    for (feed, query, wanted) in &mut feeds {
        let expected: Vec<_> = (1000..1100).filter(|n| wanted(*n)).chain([9999]).collect();
        let mut numbers = numbers(&feed.until(9999).await);
        numbers.sort_unstable();
        assert_eq!(numbers, expected, "{query}");
    }
    let refused = gateway.get("/v1/live?tenant=other").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.problem()["parameter"], "tenant");
}

#[tokio::test]
async fn a_slow_client_is_told_how_much_it_missed_and_holds_up_nobody() {
    let warehouse = granary_testkit::warehouse("live_slow").await;
    let gateway = gateway(&warehouse, |config| config.max_live_queue_events = 50.try_into().unwrap());
    let mut slow = Feed::open(&gateway, "", None).await;
    let mut fast = Feed::open(&gateway, "event=tool_result&session=s1", None).await;
    for n in 0..20 {
        rows(100 * n..100 * (n + 1)).insert(&warehouse.owner).await;
        let quick = fast.until(100 * n + 97).await;
        assert_eq!(quick.len(), 25, "every fourth");
    }
    let (mut events, mut missed) = (Vec::new(), 0);
    while events.len() + missed < 2000 {
        let sent = slow.next().await.unwrap();
        if sent.name == "missed" {
            assert_eq!(sent.data["why"], "slow");
            assert!(sent.data["since"].as_str().unwrap().ends_with('Z'), "{sent:?}");
            missed += usize::try_from(sent.data["missed"].as_u64().unwrap()).unwrap();
        } else {
            let number = sent.number();
            assert_eq!(
                number,
                u64::try_from(events.len() + missed).unwrap(),
                "what is missed is said in its place"
            );
            events.push(number);
        }
    }
    assert!((50..100).contains(&events.len()), "{} events", events.len());
    rows(5000..5001).insert(&warehouse.owner).await;
    assert_eq!(numbers(&slow.until(5000).await), [5000], "from here on it keeps up");
}

#[tokio::test]
async fn more_than_the_rate_is_counted_and_not_read() {
    let warehouse = granary_testkit::warehouse("live_rate").await;
    let gateway = gateway(&warehouse, |config| config.max_live_rate = 10.try_into().unwrap());
    let mut feed = Feed::open(&gateway, "tool=Bash", None).await;
    rows(0..500).insert(&warehouse.owner).await;
    let sent = feed.next().await.unwrap();
    assert_eq!(
        (sent.name.as_str(), &sent.data["missed"], &sent.data["why"]),
        ("missed", &json!(500), &json!("rate"))
    );
    rows(1000..1011).insert(&warehouse.owner).await;
    assert_eq!(numbers(&feed.until(1010).await).len(), 6);
}

/// What a replica that is behind has: the row that tells of an insert, and not all rows of it.
#[tokio::test]
async fn what_a_replica_has_not_got_in_time_is_counted_as_missed() {
    let mut warehouse = granary_testkit::warehouse("live_behind").await;
    warehouse.reader_config.shared_merge_tree = true;
    let gateway = gateway(&warehouse, |_| {});
    let mut feed = Feed::open(&gateway, "", None).await;
    let insert = "INSERT INTO stored_inserts SELECT now64(3), 'default', 7, 5, now64(9), now64(9), now64(3), now64(3), []";
    warehouse.owner.execute(insert).await.unwrap();
    let sent = feed.next().await.unwrap();
    assert_eq!(
        (sent.name.as_str(), &sent.data["missed"], &sent.data["why"]),
        ("missed", &json!(5), &json!("behind"))
    );
}

#[tokio::test]
async fn whoever_comes_back_elsewhere_goes_on_behind_what_it_saw() {
    let warehouse = granary_testkit::warehouse("live_resume").await;
    let mut feed = Feed::open(&gateway(&warehouse, |_| {}), "tool=Bash", None).await;
    rows(0..10).insert(&warehouse.owner).await;
    let seen = feed.until(4).await;
    drop(feed);
    rows(10..20).insert(&warehouse.owner).await;
    let elsewhere = gateway(&warehouse, |_| {});
    let mut feed = Feed::open(&elsewhere, "tool=Bash", Some(&seen[2].id)).await;
    rows(20..30).insert(&warehouse.owner).await;
    assert_eq!(numbers(&feed.until(28).await), [6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28]);
    let wrong = Request::get("/v1/live").header("last-event-id", "5-0").body(Body::empty()).unwrap();
    assert_eq!(elsewhere.send(wrong).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn there_are_so_many_places_and_who_leaves_makes_room() {
    let warehouse = granary_testkit::warehouse("live_places").await;
    let gateway = gateway(&warehouse, |config| config.max_live = 1.try_into().unwrap());
    let feed = Feed::open(&gateway, "", None).await;
    let refused = gateway.get("/v1/live").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.problem()["detail"], "1 clients listen, as many as may");
    drop(feed);
    let listens = async || {
        gateway.begin(Request::get("/v1/live").body(Body::empty()).unwrap()).await.status() == StatusCode::OK
    };
    until(listens).await;
}

#[tokio::test]
async fn without_a_warehouse_the_answer_says_so() {
    let warehouse = granary_testkit::warehouse("live_nowhere").await;
    let mut config = warehouse.reader_config.clone();
    config.database = "test_no_such_database".to_owned();
    let gateway = TestGateway::over(&config, Catalogue::embedded().unwrap(), None, |_| {});
    for _ in 0..2 {
        let reply = gateway.get("/v1/live").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reply.problem()["type"], "urn:granary:problem:unavailable");
    }
}

#[tokio::test]
async fn an_event_looks_as_it_does_in_a_replay() {
    let warehouse = granary_testkit::warehouse("live_shape").await;
    let gateway = gateway(&warehouse, |_| {});
    let mut feed = Feed::open(&gateway, "", None).await;
    rows(1..2).insert(&warehouse.owner).await;
    let sent = feed.next().await.unwrap();
    let shown: BTreeMap<_, _> =
        sent.data.as_object().unwrap().iter().filter(|(name, _)| *name != "time").collect();
    let expected = json!({
        "signal": "logs", "name": "tool_result", "session": "s1", "user": "u1", "team": "team1",
        "severity": "INFO", "body": "claude_code.tool_result",
        "attributes": {
            "event.name": "tool_result", "event.sequence": "1", "session.id": "s1", "tool_name": "Read", "user.email": "u1"
        },
    });
    assert_eq!(json!(shown), expected);
    assert!(sent.id.ends_with("-0000000000000002-0"), "{}", sent.id);
}
