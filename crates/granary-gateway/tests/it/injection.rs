//! Whatever a parameter holds is a value: compared as it is, and never SQL.

use granary_gateway::Catalogue;
use http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::{THE_DAY, TestGateway, encoded, required};

/// Texts that mean something to ClickHouse, to its escaping, to HTTP or to the templates.
const HOSTILE: &[&str] = &[
    "'",
    "\\",
    "\\'",
    "\\\\'",
    "''",
    "`",
    "\"",
    "\\N",
    "\\x41",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\r\r\n",
    "\0",
    "a\0b",
    "x\r\n--",
    "--clickhouse-rs-boundary-",
    "{user:String}",
    "{tenant:String}",
    "?",
    "??",
    "%",
    "%27",
    "&tenant=other",
    "[]",
    "['a']",
    "a','b",
    "]) OR 1",
    "NULL",
    "' OR '1' = '1",
    "'; DROP TABLE otel_logs; --",
    "') OR 1 = 1 SETTINGS readonly = 0 --",
    "*/ SELECT 1 /*",
    "-- @end",
    "${jndi:ldap://x}",
    " leading and trailing ",
    "é🦀\u{202e}",
    "\u{feff}",
];

/// A user for each text, each with a session of its own: the n-th text's is `p<n>`.
async fn plant(test: &str, texts: &[String]) -> TestGateway {
    let warehouse = granary_testkit::warehouse(test).await;
    // In hex, so that what is tested has no part in it.
    let rows: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| {
            format!("('p{n}', unhex('{}'))", text.bytes().map(|b| format!("{b:02x}")).collect::<String>())
        })
        .collect();
    let insert = format!(
        "INSERT INTO otel_logs (Timestamp, ServiceName, Body, LogAttributes) \
         SELECT '2026-11-19 08:00:00', 'claude-code', 'claude_code.user_prompt', map('session.id', s, 'user.email', u) \
         FROM values('s String, u String', {})",
        rows.join(",")
    );
    warehouse.owner.execute(&insert).await.unwrap();
    TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, |config| {
        config.burst = 100_000.try_into().unwrap();
    })
}

/// Asks for each text's sessions; the answer must be exactly those that were planted with it.
async fn each_finds_its_own(gateway: &TestGateway, texts: &[String]) -> Result<(), TestCaseError> {
    for text in texts {
        let answer =
            gateway.json(&format!("/v1/queries/sessions.json?{THE_DAY}&user={}", encoded(text))).await;
        let mut found: Vec<_> = answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["session"].as_str().unwrap().to_owned())
            .collect();
        found.sort();
        let mut planted: Vec<_> =
            (0..texts.len()).filter(|n| texts[*n] == *text).map(|n| format!("p{n}")).collect();
        planted.sort();
        prop_assert_eq!(found, planted, "{:?}", text);
    }
    Ok(())
}

#[tokio::test]
async fn a_hostile_text_finds_exactly_what_was_stored_with_it() {
    let texts: Vec<_> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    let gateway = plant("hostile", &texts).await;
    each_finds_its_own(&gateway, &texts).await.unwrap();
}

#[test]
fn any_text_finds_exactly_what_was_stored_with_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let piece = prop_oneof![
        3 => prop::sample::select(HOSTILE).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[\\\\'\"`{}\\[\\]\\n\\t\\r\\x00,;-]{0,12}",
    ];
    let text = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    // An empty user is none: the column would be filled from elsewhere.
    let texts = prop::collection::vec(text.prop_filter("empty", |text| !text.is_empty()), 40);
    let config = ProptestConfig {
        cases: 3,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&texts, |texts| {
            runtime.block_on(async {
                let gateway = plant("any_text", &texts).await;
                each_finds_its_own(&gateway, &texts).await
            })
        })
        .unwrap();
}

#[tokio::test]
async fn no_parameter_of_any_query_is_open_to_it() {
    let gateway = TestGateway::with(Catalogue::embedded().unwrap(), |config| {
        config.burst = 100_000.try_into().unwrap();
    })
    .await;
    let hostile = "') OR 1=1 SETTINGS readonly=0 -- \\ ` \" {x:String} \0\n";
    for query in Catalogue::embedded().unwrap().iter() {
        let path = format!("/v1/queries/{}.json", query.name());
        let name = gateway.get(&format!("{path}?{}=1", encoded(hostile))).await;
        assert_eq!(name.status, StatusCode::BAD_REQUEST, "{path}");
        for parameter in query.describe().parameters {
            let others = required(query, &parameter.name);
            let given = format!("{path}?{}={}{others}", parameter.name, encoded(hostile));
            let reply = gateway.get(&given).await;
            let is_text = parameter.type_name.starts_with("string") || parameter.type_name == "session";
            let any_text = is_text && parameter.name != "timezone";
            let expected = if any_text { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            assert_eq!(reply.status, expected, "{given}: {:?}", reply.body);
        }
    }
}
