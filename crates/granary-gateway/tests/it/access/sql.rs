//! SQL of a caller's own, and the live feed: each key sees what its queries would.

use std::collections::BTreeSet;

use granary_access::Fixed;

use super::*;
use crate::door::published;

async fn door(keys: &Keys) -> TestGateway {
    let warehouse = published().await;
    TestGateway::with_door(warehouse, &warehouse.guest_config, |config| config.keys_file = keys.file())
}

async fn ask(door: &TestGateway, credential: (&str, &str), sql: &str) -> Reply {
    let request = Request::post("/clickhouse/").header(credential.0, credential.1);
    door.send(request.body(Body::from(sql.to_owned())).unwrap()).await
}

#[tokio::test]
async fn sql_sees_what_its_key_s_role_sees() {
    let keys = Keys::none();
    let roles = [Role::Analyst, Role::Viewer, Role::Team].map(|role| keys.of(role));
    let other = keys.add(NewKey { tenant: "other".to_owned(), ..keys.new_key(Role::Analyst) });
    let door = door(&keys).await;
    let [analyst, viewer, team] = &roles;
    let users =
        "SELECT arrayStringConcat(arraySort(groupUniqArray(splitByChar('@', user)[1])), ' ') FROM events";
    for (key, seen) in [
        (analyst, "user0 user1 user2"),
        (viewer, "user1"),
        // Every other event is the team's, whoever's it is.
        (team, "user0 user1 user2"),
        (&other, "theirs"),
    ] {
        let reply = ask(&door, ("x-clickhouse-key", key), users).await;
        assert_eq!((reply.status, reply.text().trim_end()), (StatusCode::OK, seen));
    }
    let teams = ask(&door, ("x-clickhouse-key", team), "SELECT DISTINCT team FROM events").await;
    assert_eq!(teams.text(), "team1\n");
    let sessions = "SELECT count() FROM sessions WHERE user != 'user1@example.com'";
    assert_eq!(ask(&door, ("x-clickhouse-key", viewer), sessions).await.text(), "0\n");
}

#[tokio::test]
async fn a_key_comes_as_clickhouse_s_clients_send_it_and_without_one_nothing_is_told() {
    let keys = Keys::none();
    let key = keys.of(Role::Analyst);
    let sender = keys.of(Role::Ingest);
    let door = door(&keys).await;
    for (name, value) in [
        ("x-clickhouse-key", key.clone()),
        ("x-clickhouse-user", key.clone()),
        ("authorization", basic("default", &key)),
        ("authorization", format!("Bearer {key}")),
    ] {
        assert_eq!(ask(&door, (name, &value), "SELECT 1").await.text(), "1\n", "{name}");
    }
    let in_address = door.get(&format!("/clickhouse/?user=default&password={key}&query=SELECT%201")).await;
    assert_eq!(in_address.text(), "1\n");
    for credential in [("x-clickhouse-key", "wrong"), ("x-clickhouse-user", "default")] {
        let reply = ask(&door, credential, "SELECT 1").await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert!(reply.text().starts_with("Code: 516. DB::Exception: "), "{:?}", reply.body);
        assert_eq!(reply.headers["x-clickhouse-exception-code"], "516");
    }
    assert_eq!(ask(&door, ("x-clickhouse-key", &sender), "SELECT 1").await.status, StatusCode::FORBIDDEN);
    assert_eq!(door.get("/clickhouse/ping").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_that_is_held_to_what_sql_cannot_be_held_to_asks_no_sql() {
    let keys = Keys::none();
    let mut project = Fixed::default();
    project.add("project", "granary");
    let mut users = Fixed::default();
    users.add("user", "user0@example.com");
    users.add("user", "user1@example.com");
    let of = |new: NewKey| keys.add(new);
    let refused = [
        of(NewKey { groups: Some(BTreeSet::from(["cost".to_owned()])), ..keys.new_key(Role::Analyst) }),
        of(NewKey { parameters: project, ..keys.new_key(Role::Analyst) }),
        of(NewKey { parameters: users, ..keys.new_key(Role::Analyst) }),
    ];
    let door = door(&keys).await;
    for key in &refused {
        let reply = ask(&door, ("x-clickhouse-key", key), "SELECT 1").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(reply.text().contains("cannot be held to"), "{:?}", reply.body);
    }
}

#[tokio::test]
async fn the_live_feed_is_narrowed_to_what_a_key_sees() {
    let keys = Keys::none();
    let viewer = keys.of(Role::Viewer);
    let cost =
        keys.add(NewKey { groups: Some(BTreeSet::from(["cost".to_owned()])), ..keys.new_key(Role::Analyst) });
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    let live =
        |query: &str, key: &str| empty(Request::get(format!("/v1/live{query}")).header("x-api-key", key));
    let others = gateway.send(live("?user=user0@example.com", &viewer)).await;
    assert_eq!(
        (others.status, &others.problem()["type"]),
        (StatusCode::FORBIDDEN, &json!("urn:granary:problem:fixed-parameter"))
    );
    let group = gateway.send(live("", &cost)).await;
    assert_eq!(group.problem()["type"], "urn:granary:problem:forbidden-group");
    let mut own = gateway.begin(live("", &viewer)).await.into_body();
    let first = http_body_util::BodyExt::frame(&mut own).await.unwrap().unwrap().into_data().unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(first.contains(r#"{"filter":{"user":["user1@example.com"]"#), "{first}");
}
