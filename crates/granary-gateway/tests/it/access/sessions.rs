//! Whose sessions are read.

use axum::body::Body;
use granary_access::{Fixed, NewKey, Role};
use granary_archive::{Archive, ArchiveConfig};
use granary_clickhouse::Warehouse;
use granary_gateway::Catalogue;
use granary_model::TenantId;
use http::{Request, StatusCode};
use serde_json::Value;

use super::keys::Keys;
use crate::support::{TestGateway, filled};

/// s1 and s4 are user1's and team1's or team0's; s0 is user0's. s9 has two users, s8 says none.
const MIXED: &str = "INSERT INTO otel_logs (Timestamp, ServiceName, LogAttributes) SELECT
    toDateTime64('2026-11-19 08:00:00', 9, 'UTC') + number, 'claude-code',
    if(number < 4, map('session.id', 's9', 'user.email', concat('user', toString(number % 2), '@example.com')),
        map('session.id', 's8'))
FROM numbers(6)";

/// Everything that is about one session.
const ROUTES: [&str; 7] = [
    "sessions/SESSION/events.ndjson",
    "sessions/SESSION/events.csv",
    "sessions/SESSION/replay?speed=max",
    "sessions/SESSION/archive",
    "queries/session_summary.json?session=SESSION",
    "queries/session_timeline.csv?session=SESSION",
    "queries/session_flow/rows?session=SESSION",
];

fn request(key: &str, session: &str, route: &str) -> Request<Body> {
    let path = format!("/v1/{}", route.replace("SESSION", session));
    Request::get(path).header("x-api-key", key).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_session_that_is_not_the_caller_s_and_one_that_is_not_there_are_the_same_to_it() {
    let warehouse = filled("whose").await;
    warehouse.owner.execute(MIXED).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = ArchiveConfig { url: folder.path().display().to_string(), ..ArchiveConfig::default() };
    let owner = Archive::open(&config, warehouse.owner.clone()).await.unwrap();
    for session in ["s0", "s1", "s9"] {
        owner.archive_session(&TenantId::default(), session).await.unwrap();
    }
    let reader = Archive::open(&config, Warehouse::new(&warehouse.reader_config)).await.unwrap();
    let keys = Keys::none();
    let [viewer, team, analyst] = [Role::Viewer, Role::Team, Role::Analyst].map(|role| keys.of(role));
    let fixed = |name: &str, value: &str| {
        let mut parameters = Fixed::default();
        parameters.add(name, value);
        keys.add(NewKey { parameters, ..keys.new_key(Role::Analyst) })
    };
    let (of_session, of_project, of_no_project) =
        (fixed("session", "s1"), fixed("project", "granary"), fixed("project", "other"));
    let of_other = keys.add(NewKey { tenant: "other".to_owned(), ..keys.new_key(Role::Viewer) });
    let catalogue = Catalogue::embedded().unwrap();
    let gateway = TestGateway::over(&warehouse.reader_config, catalogue, Some(reader), |config| {
        config.keys_file = keys.file();
        config.burst = 10_000.try_into().unwrap();
    });
    for (key, session, is_seen) in [
        (&analyst, "s0", true),
        (&analyst, "s9", true),
        (&viewer, "s1", true),
        (&viewer, "s0", false),
        (&viewer, "s9", false),
        (&viewer, "s8", false),
        (&viewer, "nothing", false),
        (&team, "s1", true),
        (&team, "s0", false),
        (&of_session, "s1", true),
        (&of_session, "s0", false),
        (&of_project, "s0", true),
        (&of_no_project, "s0", false),
        (&of_other, "s1", false),
    ] {
        for route in ROUTES {
            if is_seen {
                // What an archive holds is no text.
                let answer = gateway.begin(request(key, session, route)).await;
                assert_eq!(answer.status(), StatusCode::OK, "{session} {route}");
                continue;
            }
            let reply = gateway.send(request(key, session, route)).await;
            if key == &of_session && route.starts_with("queries") {
                assert_eq!(
                    reply.problem()["type"],
                    "urn:granary:problem:fixed-parameter",
                    "{session} {route}"
                );
                continue;
            }
            let mut problem = reply.problem();
            assert_eq!(problem["detail"].as_str(), Some(&*format!("there is no session {session:?}")));
            let mut unknown = gateway.send(request(key, "nowhere", route)).await.problem();
            for problem in [&mut problem, &mut unknown] {
                problem["detail"] = Value::Null;
            }
            assert_eq!(problem, unknown, "{session} {route}");
        }
    }
}

#[tokio::test]
async fn of_several_sessions_that_are_fixed_a_query_about_one_is_told_which() {
    let keys = Keys::none();
    let mut parameters = Fixed::default();
    parameters.add("session", "s1");
    parameters.add("session", "s4");
    let key = keys.add(NewKey { parameters, ..keys.new_key(Role::Analyst) });
    let gateway = super::gateway(|config| config.keys_file = keys.file()).await;
    let ask = async |given: &str| {
        let path = format!("/v1/queries/session_summary.json{given}");
        gateway.get_with(&path, "x-api-key", &key).await
    };
    let of =
        async |session: &str| ask(&format!("?session={session}")).await.json()["data"][0]["session"].clone();
    assert_eq!((of("s1").await, of("s4").await), ("s1".into(), "s4".into()));
    for (given, status, kind) in [
        ("", StatusCode::BAD_REQUEST, "bad-parameter"),
        ("?session=s0", StatusCode::FORBIDDEN, "fixed-parameter"),
        ("?session=s1&user=other", StatusCode::BAD_REQUEST, "unknown-parameter"),
    ] {
        let reply = ask(given).await;
        let problem = reply.problem();
        assert_eq!(
            (reply.status, problem["type"].as_str()),
            (status, Some(&*format!("urn:granary:problem:{kind}")))
        );
    }
}

#[tokio::test]
async fn a_tool_for_agents_says_no_more_of_another_s_session_than_a_query_does() {
    let keys = Keys::none();
    let viewer = keys.of(Role::Viewer);
    let gateway = super::gateway(|config| config.keys_file = keys.file()).await;
    let call = async |session: &str| {
        let message = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "session_summary", "arguments": { "session": session } } });
        let request = Request::post("/mcp")
            .header("x-api-key", &viewer)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        gateway.send(request.body(Body::from(message.to_string())).unwrap()).await.json()["result"].clone()
    };
    assert_eq!(call("s1").await["isError"], false);
    let (foreign, unknown) = (call("s0").await, call("nowhere").await);
    assert_eq!((&foreign["isError"], &unknown["isError"]), (&true.into(), &true.into()));
    let text = |result: &Value| {
        result["content"][0]["text"].as_str().unwrap().split(" (request").next().unwrap().to_owned()
    };
    assert_eq!(text(&foreign), "there is no session \"s0\"");
    assert_eq!(text(&unknown), "there is no session \"nowhere\"");
}
