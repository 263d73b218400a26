//! What each role and key may ask.

use axum::body::Body;
use granary_access::{Fixed, NewKey, Role};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::gateway;
use super::keys::Keys;
use crate::support::{Reply, THE_DAY, TestGateway};

async fn ask(gateway: &TestGateway, key: &str, path: &str) -> Reply {
    let request = Request::get(path).header("authorization", format!("Bearer {key}"));
    gateway.send(request.body(Body::empty()).unwrap()).await
}

async fn sessions(gateway: &TestGateway, key: &str, given: &str) -> Reply {
    ask(gateway, key, &format!("/v1/queries/sessions.json?{THE_DAY}{given}")).await
}

fn users(reply: &Reply) -> Vec<String> {
    let answer = reply.json();
    let rows = answer["data"].as_array().unwrap().iter();
    let mut users: Vec<_> = rows.map(|row| row["user"].as_str().unwrap().to_owned()).collect();
    users.dedup();
    users
}

fn listed(reply: &Reply) -> Vec<String> {
    let list = reply.json();
    let names = list["queries"].as_array().unwrap().iter();
    names.map(|query| query["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_viewer_sees_its_user_and_a_team_its_team() {
    let keys = Keys::none();
    let [viewer, team, analyst] = [Role::Viewer, Role::Team, Role::Analyst].map(|role| keys.of(role));
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    assert_eq!(users(&sessions(&gateway, &viewer, "").await), ["user1@example.com"]);
    assert_eq!(users(&sessions(&gateway, &viewer, "&user=user1@example.com").await), ["user1@example.com"]);
    let answer = sessions(&gateway, &team, "").await.json();
    assert!(
        answer["data"].as_array().unwrap().iter().all(|row| row["team"] == "team1") && answer["rows"] == 3
    );
    assert_eq!(sessions(&gateway, &analyst, "").await.json()["rows"], 6);
    for (key, given, parameter) in [
        (&viewer, "&user=user2@example.com", "user"),
        (&viewer, "&user=user1@example.com&user=user2@example.com", "user"),
        (&viewer, "&user=", "user"),
        (&team, "&team=team0", "team"),
    ] {
        let reply = sessions(&gateway, key, given).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{given}");
        let problem = reply.problem();
        assert_eq!(problem["type"], "urn:granary:problem:fixed-parameter");
        assert_eq!(problem["parameter"], parameter);
    }
}

#[tokio::test]
async fn a_query_that_knows_no_users_is_neither_answered_nor_listed_nor_described_to_a_viewer() {
    let keys = Keys::none();
    let [viewer, team, analyst] = [Role::Viewer, Role::Team, Role::Analyst].map(|role| keys.of(role));
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    let name = "ingest_accounting";
    assert!(listed(&ask(&gateway, &analyst, "/v1/queries").await).contains(&name.to_owned()));
    for (key, filter) in [(&viewer, "user"), (&team, "team")] {
        for path in [format!("/v1/queries/{name}"), format!("/v1/queries/{name}.json?{THE_DAY}")] {
            let reply = ask(&gateway, key, &path).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN);
            let problem = reply.problem();
            assert_eq!(problem["type"], "urn:granary:problem:forbidden-query");
            assert_eq!(problem["parameter"], filter);
        }
        let listed = listed(&ask(&gateway, key, "/v1/queries").await);
        assert!(!listed.contains(&name.to_owned()) && listed.contains(&"sessions".to_owned()));
    }
}

#[tokio::test]
async fn only_the_groups_of_a_key_are_asked_and_listed() {
    let keys = Keys::none();
    let key = keys.add(NewKey { groups: Some(["cost".to_owned()].into()), ..keys.new_key(Role::Analyst) });
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    let answer = ask(&gateway, &key, &format!("/v1/queries/cost_by_model.json?{THE_DAY}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let refused = sessions(&gateway, &key, "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.problem()["type"], "urn:granary:problem:forbidden-group");
    let list = ask(&gateway, &key, "/v1/queries").await.json();
    let is_cost = |query: &Value| query["group"] == json!("cost");
    assert!(list["queries"].as_array().unwrap().iter().all(is_cost));
    assert_eq!(ask(&gateway, &key, "/v1/queries/nothing.json").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_fixed_parameter_has_its_value_and_cannot_be_given_another() {
    let keys = Keys::none();
    let mut parameters = Fixed::default();
    parameters.add("limit", "2");
    parameters.add("user", "user0@example.com");
    parameters.add("user", "user2@example.com");
    let key = keys.add(NewKey { parameters, ..keys.new_key(Role::Analyst) });
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    assert_eq!(sessions(&gateway, &key, "").await.json()["rows"], 2);
    assert_eq!(
        users(&sessions(&gateway, &key, "&limit=2&user=user0@example.com").await),
        ["user0@example.com"]
    );
    for (given, parameter) in
        [("&limit=3", "limit"), ("&limit=1", "limit"), ("&user=user1@example.com", "user")]
    {
        let problem = sessions(&gateway, &key, given).await.problem();
        assert_eq!((&problem["status"], &problem["parameter"]), (&json!(403), &json!(parameter)), "{given}");
    }
    let refused = ask(&gateway, &key, &format!("/v1/queries/ingest_accounting.json?{THE_DAY}")).await;
    assert_eq!(refused.problem()["type"], "urn:granary:problem:forbidden-query");
}
