//! The catalogue as tools for agents.

use axum::body::Body;
use granary_gateway::Catalogue;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{ONE_ROW, Reply, TestGateway};

const VERSION: &str = "2026-07-28";

async fn post(gateway: &TestGateway, path: &str, headers: &[(&str, &str)], body: String) -> Reply {
    let mut request =
        Request::post(path).header("content-type", "application/json").body(Body::from(body)).unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    gateway.send(request).await
}

/// A request as clients of the revisions before 2026-07-28 send it.
async fn older(gateway: &TestGateway, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let headers = [("accept", "application/json, text/event-stream"), ("mcp-protocol-version", "2025-11-25")];
    let reply = post(gateway, "/mcp", &headers, body.to_string()).await;
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
    let answer = reply.json();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
    answer
}

/// A request as that revision has it.
async fn newer(gateway: &TestGateway, method: &str, mut params: Value) -> Reply {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    let body = json!({ "jsonrpc": "2.0", "id": "a", "method": method, "params": params });
    let headers = [("mcp-protocol-version", VERSION), ("mcp-method", method), ("mcp-name", &name)];
    post(gateway, "/mcp", &headers, body.to_string()).await
}

async fn call(gateway: &TestGateway, name: &str, arguments: Value) -> Value {
    older(gateway, "tools/call", json!({ "name": name, "arguments": arguments })).await["result"].clone()
}

const DAY: [(&str, &str); 2] = [("from", "2026-11-19T00:00:00Z"), ("to", "2026-11-20T00:00:00Z")];

fn of_the_day(more: Value) -> Value {
    let mut arguments = more;
    for (name, value) in DAY {
        arguments[name] = json!(value);
    }
    arguments
}

#[tokio::test]
async fn a_client_that_begins_with_initialize_is_served_without_a_session() {
    let gateway = TestGateway::new().await;
    let asked = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
    let result = &older(&gateway, "initialize", asked).await["result"];
    assert_eq!(
        (&result["protocolVersion"], &result["serverInfo"]["name"]),
        (&json!("2025-06-18"), &json!("granary"))
    );
    assert_eq!(result["capabilities"], json!({ "tools": {} }));
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let reply = post(&gateway, "/mcp", &[], note.to_string()).await;
    assert_eq!((reply.status, reply.text()), (StatusCode::ACCEPTED, ""));
    assert_eq!(reply.headers.get("mcp-session-id"), None);
    assert_eq!(older(&gateway, "ping", json!({})).await["result"], json!({}));
    for request in [Request::get("/mcp"), Request::delete("/mcp")] {
        let reply = gateway.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (reply.status, &reply.headers["allow"]),
            (StatusCode::METHOD_NOT_ALLOWED, &HeaderValue::from_static("POST"))
        );
    }
}

#[tokio::test]
async fn a_client_of_the_newest_revision_needs_no_beginning() {
    let gateway = TestGateway::new().await;
    let found = newer(&gateway, "server/discover", json!({})).await.json()["result"].clone();
    assert_eq!((&found["supportedVersions"][0], &found["resultType"]), (&json!(VERSION), &json!("complete")));
    let list = newer(&gateway, "tools/list", json!({})).await.json()["result"].clone();
    assert_eq!((&list["resultType"], &list["cacheScope"]), (&json!("complete"), &json!("private")));
    let called =
        newer(&gateway, "tools/call", json!({ "name": "cost_summary", "arguments": of_the_day(json!({})) }))
            .await;
    let result = &called.json()["result"];
    assert_eq!(
        (&result["isError"], &result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"]),
        (&json!(false), &json!("granary"))
    );
    let unknown = newer(&gateway, "ping", json!({})).await;
    assert_eq!((unknown.status, &unknown.json()["error"]["code"]), (StatusCode::NOT_FOUND, &json!(-32601)));
    let none = post(
        &gateway,
        "/mcp",
        &[("mcp-protocol-version", "2031-01-01")],
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string(),
    )
    .await;
    let error = none.json()["error"].clone();
    assert_eq!(
        (none.status, &error["code"], &error["data"]["supported"][0]),
        (StatusCode::BAD_REQUEST, &json!(-32022), &json!(VERSION))
    );
}

#[tokio::test]
async fn every_query_is_a_tool_whose_arguments_have_a_schema() {
    let gateway = TestGateway::new().await;
    let tools = older(&gateway, "tools/list", json!({})).await["result"]["tools"].clone();
    let tools = tools.as_array().unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, catalogue.iter().map(|query| query.name()).collect::<Vec<_>>());
    for tool in tools {
        jsonschema::draft202012::meta::validate(&tool["inputSchema"]).unwrap();
    }
    let sequences = tools.iter().find(|tool| tool["name"] == "tool_sequences").unwrap();
    insta::assert_json_snapshot!(sequences["inputSchema"]["properties"]["length"], @r#"
    {
      "default": 2,
      "description": "how many tools make a chain",
      "maximum": 4,
      "minimum": 2,
      "type": "integer"
    }
    "#);
    assert_eq!(
        sequences["inputSchema"]["properties"]["user"],
        json!({ "type": "array", "items": { "type": "string" } })
    );
    assert_eq!(sequences["annotations"]["readOnlyHint"], true);
}

#[tokio::test]
async fn an_address_can_narrow_the_tools_to_groups() {
    let gateway = TestGateway::new().await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    let some = post(&gateway, "/mcp?groups=cost,errors", &[], list.clone()).await.json();
    let catalogue = Catalogue::embedded().unwrap();
    let expected = catalogue.iter().filter(|query| ["cost", "errors"].contains(&query.group())).count();
    assert_eq!(some["result"]["tools"].as_array().unwrap().len(), expected);
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "sessions" } })
        .to_string();
    assert_eq!(
        post(&gateway, "/mcp?groups=cost", &[], call).await.json()["error"]["message"],
        "Unknown tool: sessions"
    );
    let none = post(&gateway, "/mcp?groups=costs", &[], list).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert_eq!(none.problem()["parameter"], "groups");
}

#[tokio::test]
async fn a_call_answers_with_a_table_to_read_and_with_values() {
    let gateway = TestGateway::new().await;
    let result = call(&gateway, "cost_by_model", of_the_day(json!({ "user": ["user0@example.com"] }))).await;
    insta::assert_snapshot!(result["content"][0]["text"].as_str().unwrap(), @"
    What does each model cost, in total or over time?

    | model | requests | cost | cost_list | input_tokens | output_tokens | cache_read_tokens | cache_creation_tokens | avg_ms | priced_requests | cost_priced |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | claude-sonnet-4-5 | 20 | 5 | 0.1725 | 20000 | 4000 | 100000 | 6000 | 248.5 | 20 | 5 |
    ");
    let content = &result["structuredContent"];
    assert_eq!((&content["columns"][1]["name"], &content["rows"][0][1]), (&json!("requests"), &json!(20)));
    assert_eq!((&content["is_complete"], &result["isError"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn an_answer_ends_where_an_agents_patience_does_and_says_how_to_get_the_rest() {
    let many = format!("SELECT number AS x FROM numbers(100000) AS many, {ONE_ROW} ORDER BY x");
    let long = format!("SELECT repeat('x', 1900) AS x FROM numbers(1000) AS many, {ONE_ROW}");
    let gateway = TestGateway::with_queries(&[("many", &many), ("long", &long)], |_| {}).await;
    let result = call(&gateway, "many", of_the_day(json!({}))).await;
    let content = &result["structuredContent"];
    assert_eq!((content["rows"].as_array().unwrap().len(), &content["is_complete"]), (50, &json!(false)));
    let note = "These are the first 50 rows, and there are more. Narrow the range or the filters, or fetch all of them \
                with GET /v1/queries/many.csv?from=2026-11-19T00:00:00Z&to=2026-11-20T00:00:00Z.";
    assert_eq!(content["note"], note);
    assert!(result["content"][0]["text"].as_str().unwrap().ends_with(note));
    let text = call(&gateway, "long", json!({})).await["content"][0]["text"].as_str().unwrap().len();
    assert!((20_000..60_000).contains(&text), "{text}");

    let gateway = TestGateway::new().await;
    let two = call(&gateway, "sessions", of_the_day(json!({ "limit": 2 }))).await;
    assert_eq!(two["structuredContent"]["rows"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_an_agent_can_mend_is_a_result_that_says_what_and_what_it_cannot_is_an_error() {
    let gateway = TestGateway::new().await;
    for (arguments, reason) in [
        (json!({ "limit": 0 }), "the parameter limit is \"0\"; expected a whole number between 1 and"),
        (json!({ "form": "-7d" }), "there is no parameter \"form\"; there are from, to,"),
        (json!({ "tenant": "other" }), "the tenant follows from who asks and cannot be given"),
        (json!({ "user": { "a": 1 } }), "the parameter user is neither a value nor a list of values"),
        (json!([1]), "arguments must be an object"),
    ] {
        let result = call(&gateway, "sessions", arguments).await;
        let said = result["content"][0]["text"].as_str().unwrap();
        assert!(result["isError"] == true && said.starts_with(reason), "{said}");
    }
    for (method, params, code) in [
        ("tools/call", json!({ "name": "no_such_tool" }), -32602),
        ("tools/call", json!({}), -32602),
        ("tools/list", json!({ "cursor": "x" }), -32602),
        ("resources/list", json!({}), -32601),
        ("server/stop", json!({}), -32601),
    ] {
        assert_eq!(older(&gateway, method, params).await["error"]["code"], code, "{method}");
    }
}

#[tokio::test]
async fn a_call_is_within_the_bounds_of_a_query() {
    let gateway =
        TestGateway::with(Catalogue::embedded().unwrap(), |config| config.max_rows_to_read = 10).await;
    let result = call(&gateway, "sessions", of_the_day(json!({}))).await;
    let said = result["content"][0]["text"].as_str().unwrap();
    assert!(
        result["isError"] == true && said.starts_with("the query needs more rows to read than it may have"),
        "{said}"
    );

    let gateway =
        TestGateway::with(Catalogue::embedded().unwrap(), |config| config.burst = std::num::NonZeroU32::MIN)
            .await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    assert_eq!(post(&gateway, "/mcp", &[], ping.clone()).await.status, StatusCode::OK);
    assert_eq!(post(&gateway, "/mcp", &[], ping).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn what_is_no_message_and_whoever_may_not_send_one_is_refused() {
    let gateway = TestGateway::new().await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    for (headers, body, status) in [
        (&[("origin", "https://evil.example"), ("host", "127.0.0.1:8080")][..], ping.clone(), 403),
        (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], ping.clone(), 200),
        (&[("content-type", "text/plain")], ping.clone(), 415),
        (&[("accept", "text/html")], ping.clone(), 406),
        (&[("accept", "text/event-stream, application/json;q=0.9")], ping.clone(), 200),
        (&[], "{".to_owned(), 400),
        (&[], format!("[{ping}]"), 400),
        (&[], format!("{}{ping}", " ".repeat(70_000)), 413),
    ] {
        let reply = post(&gateway, "/mcp", headers, body).await;
        assert_eq!(reply.status.as_u16(), status, "{headers:?}");
    }
}
