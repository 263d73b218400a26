//! A secret in any field of any signal is in no byte of what comes out.

use std::sync::{Arc, LazyLock};

use granary_model::{
    Attribute, Attributes, Exemplar, LogRecord, MetricKind, MetricPoint, Number, Records, Resource, Scope,
    Span, SpanEvent, SpanId, SpanLink, TraceId, Value, ValueRef,
};
use granary_redact::{HashKey, Identity, RedactConfig, Redactable, Redacted, RedactedRecords, Redactor};
use proptest::prelude::*;

/// A text and the part of it that must not come out.
#[derive(Debug, Clone)]
struct Planted {
    text: String,
    secret: String,
}

fn redactor() -> Redactor {
    Redactor::new(&RedactConfig::default()).expect("the built-in rules are sound")
}

static SHARED: LazyLock<Redactor> = LazyLock::new(redactor);

/// Secrets that are recognised by their own form.
fn bare_secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "sk-ant-api03-[A-Za-z0-9_-]{24,60}",
        "sk-proj-[0-9][A-Za-z0-9_-]{24,60}",
        "AKIA[A-Z0-9]{16}",
        "gh[pousr]_[A-Za-z0-9]{36}",
        "xoxb-[0-9]{12}-[A-Za-z0-9]{24}",
        "AIza[A-Za-z0-9_-]{35}",
        "sk_live_[A-Za-z0-9]{24}",
        "eyJ[A-Za-z0-9_-]{20}\\.eyJ[A-Za-z0-9_-]{20}\\.[A-Za-z0-9_-]{20}",
        "[a-z]{3,10}\\.[a-z]{3,10}@[a-z]{3,10}\\.(com|org|example)",
        "10\\.(1?[0-9]{1,2}\\.){2}[1-9][0-9]",
        "192\\.168\\.[1-9][0-9]\\.[1-9][0-9]",
        Just("4111 1111 1111 1111".to_owned()),
        Just("5500000000000004".to_owned()),
    ]
}

/// Secrets that are recognised by what stands before them.
fn named_secret() -> impl Strategy<Value = Planted> {
    let carriers = prop::sample::select(vec![
        "password={}",
        "password: \"{}\"",
        "PGPASSWORD={} psql",
        "--password {}",
        "\"passwd\": \"{}\"",
        "api_key={}",
        "client_secret: '{}'",
        "GITHUB_TOKEN={}",
        "token: {}",
        "Authorization: Bearer {}",
        "Authorization: Basic {}",
        "postgres://user:{}@db.example.com/x",
        "curl -u user:{} https://example.com",
        "my password is {} ok",
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        "<password>{}</password>",
        "{\"password\":\"{}\"}",
        "aws_secret_access_key = {}",
    ]);
    (carriers, "[a-z]{2}[0-9]{2}[A-Za-z0-9+_]{16,36}")
        .prop_map(|(carrier, secret)| Planted { text: carrier.replace("{}", &secret), secret })
}

/// A secret in plain text, in a command, in JSON, in JSON within JSON, or in JSON that was cut off.
fn planted() -> impl Strategy<Value = Planted> {
    let bare = bare_secret().prop_map(|secret| Planted { text: secret.clone(), secret });
    let wrapping = 0..6_u8;
    ("([a-z]{1,8} ){0,3}", prop_oneof![bare, named_secret()], "( [a-z]{1,8}){0,3}", wrapping).prop_map(
        |(before, planted, after, wrapping)| {
            let text = format!("{before}{}{after}", planted.text);
            let json = |text: &str| {
                serde_json::json!({ "input_tokens": 12, "command": text, "x": [true] }).to_string()
            };
            let text = match wrapping {
                0 | 1 => text,
                2 => json(&text),
                3 => json(&json(&text)),
                4 => json(&text)
                    .rsplit_once(",\"input_tokens")
                    .map_or_else(|| json(&text), |(cut, _)| cut.to_owned()),
                _ => format!("sh -c {}", serde_json::Value::from(text)),
            };
            Planted { text, secret: planted.secret }
        },
    )
}

fn attributes(key: &str, value: impl Into<Value>) -> Attributes {
    Attributes::new(vec![
        Attribute::new("session.id", "3f0ba2f4-0000-4000-8000-000000000001"),
        Attribute::new(key, value),
        Attribute::new("user.id", "c0ffee"),
    ])
}

fn nested(text: &str) -> Value {
    Value::Array(vec![
        Value::Int(7),
        Value::Map(vec![Attribute::new("deep", Value::Array(vec![Value::from(text)]))]),
    ])
}

/// The ways a text can stand in attributes.
fn attribute_places(text: &str) -> Vec<Attributes> {
    vec![
        attributes("prompt", text),
        attributes(text, "value"),
        attributes("list", nested(text)),
        attributes("map", Value::Map(vec![Attribute::new(text, 1_i64)])),
        attributes("bytes", Value::Bytes(text.as_bytes().to_vec())),
    ]
}

fn with_resource_and_scope<R: Clone + Default>(text: &str, record: &R) -> Vec<Records<R>> {
    let records = || Records { records: vec![record.clone()], ..Records::default() };
    let mut all = Vec::new();
    for attributes in attribute_places(text) {
        let resource = Arc::new(Resource { attributes: attributes.clone(), ..Resource::default() });
        all.push(Records { resource: Arc::clone(&resource), ..records() });
        all.push(Records { resource, scope: Scope { attributes, ..Scope::default() }, ..records() });
    }
    let text = || text.to_owned();
    all.push(Records {
        resource: Arc::new(Resource { schema_url: text(), ..Resource::default() }),
        scope: Scope { name: text(), version: text(), schema_url: text(), ..Scope::default() },
        ..records()
    });
    all
}

/// Records that repeat, so that the way past what was seen before is taken too.
fn batch<R: Clone>(records: Vec<R>) -> Records<R> {
    let records = records.into_iter().flat_map(|record| [record.clone(), record]).collect();
    Records { resource: Arc::default(), scope: Scope::default(), records }
}

fn logs(text: &str) -> Vec<Records<LogRecord>> {
    let own = || text.to_owned();
    let mut records: Vec<LogRecord> = attribute_places(text)
        .into_iter()
        .map(|attributes| LogRecord { attributes, ..LogRecord::default() })
        .collect();
    records.push(LogRecord { body: own().into(), ..LogRecord::default() });
    records.push(LogRecord { body: nested(text), ..LogRecord::default() });
    records.push(LogRecord { severity_text: own(), event_name: own(), ..LogRecord::default() });
    let mut all = with_resource_and_scope(text, &LogRecord::default());
    all.push(batch(records));
    all
}

fn spans(text: &str) -> Vec<Records<Span>> {
    let own = || text.to_owned();
    let mut records =
        vec![Span { name: own(), trace_state: own(), status_message: own(), ..Span::default() }];
    for attributes in attribute_places(text) {
        let event = SpanEvent { name: own(), attributes: attributes.clone(), ..SpanEvent::default() };
        let link = SpanLink { trace_state: own(), attributes: attributes.clone(), ..SpanLink::default() };
        records.push(Span { attributes, events: vec![event], links: vec![link], ..Span::default() });
    }
    let mut all = with_resource_and_scope(text, &Span::default());
    all.push(batch(records));
    all
}

fn points(text: &str) -> Vec<Records<MetricPoint>> {
    let point = |attributes: Attributes, text: &str| MetricPoint {
        name: text.into(),
        description: text.into(),
        unit: text.into(),
        exemplars: vec![Exemplar {
            attributes: attributes.clone(),
            time_unix_nano: 1,
            value: Some(Number::Int(1)),
            trace_id: TraceId::default(),
            span_id: SpanId::default(),
        }],
        attributes,
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        flags: 0,
        kind: MetricKind::Gauge { value: Some(Number::Double(0.5)) },
    };
    vec![batch(attribute_places(text).into_iter().map(|attributes| point(attributes, text)).collect())]
}

/// Everything that can be read from redacted records: their `Debug` form, and bytes as the text they are.
fn read<R: Redactable + std::fmt::Debug>(redacted: &Redacted<Vec<RedactedRecords<R>>>) -> String {
    let mut out = format!("{redacted:?}");
    for records in redacted.iter() {
        let resource = &records.resource().attributes;
        let own = records.records().iter().map(granary_model::Record::attributes);
        for attributes in own.chain([resource, &records.scope().attributes]) {
            for attribute in attributes {
                out += &serde_json::to_string(&attribute.value).expect("a value is JSON");
                if let ValueRef::Bytes(bytes) = attribute.value {
                    out += &String::from_utf8_lossy(bytes);
                }
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_secret_in_any_field_of_any_signal_does_not_come_out(planted in planted()) {
        let redactor = &*SHARED;
        let Planted { text, secret } = planted;
        for out in [
            read(&redactor.redact(logs(&text))),
            read(&redactor.redact(spans(&text))),
            read(&redactor.redact(points(&text))),
            redactor.redact_text(&text).into_owned(),
            format!("{redactor:?} {:?}", redactor.counts()),
        ] {
            prop_assert!(!out.contains(&secret), "{text}\n{out}");
        }
    }

    #[test]
    fn json_with_secrets_in_it_is_json_afterwards(planted in planted(), key in any::<String>(), other in any::<String>()) {
        let json = serde_json::json!({ key: [planted.text, { "password": other }], "n": 4_111_111_111_111_111_u64 });
        let redacted = SHARED.redact_text(&json.to_string()).into_owned();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&redacted).is_ok(), "{redacted}");
        prop_assert!(!redacted.contains(&planted.secret), "{redacted}");
    }

    #[test]
    fn a_secret_s_name_as_a_key_takes_out_whatever_the_value_is(value in "[A-Za-z0-9 \"'\\\\{}\\[\\],:]{8,40}q7", key in
        prop::sample::select(vec!["password", "db.passwd", "client_secret", "x-api-key", "access_token"])) {
        let record = LogRecord { attributes: attributes(key, value.as_str()), ..LogRecord::default() };
        let redacted = SHARED.redact(vec![batch(vec![record])]).into_inner();
        let out = redacted[0].records()[0].attributes.text(key).unwrap_or_default();
        prop_assert!(out.starts_with("[REDACTED:") && !out.contains("q7"), "{out}");
        prop_assert_eq!(redacted[0].redacted_fields(1), [key]);
    }

    #[test]
    fn ordinary_text_goes_through_and_twice_is_like_once(text in ".{0,200}") {
        let redactor = &*SHARED;
        let once = redactor.redact_text(&text).into_owned();
        prop_assert_eq!(redactor.redact_text(&once), once.as_str());
    }
}

#[test]
fn identities_are_kept_by_default_with_all_other_rules_on_them() {
    let mut record =
        LogRecord { attributes: attributes("user.email", "jane@example.org"), ..LogRecord::default() };
    let redacted = redactor().redact(vec![batch(vec![record.clone()])]);
    assert_eq!(redacted[0].records()[0], record);
    record.attributes = attributes("user.email", "sk-ant-api03-abcdefgh");
    let redacted = redactor().redact(vec![batch(vec![record])]);
    assert_eq!(redacted[0].records()[0].attributes.text("user.email"), Some("[REDACTED:anthropic_key]"));
}

#[test]
fn identities_that_are_hashed_or_dropped_come_out_nowhere() {
    for identity in [Identity::Hash, Identity::Drop] {
        let config = RedactConfig {
            identity,
            hash_key: Some(HashKey::new("0123456789abcdef")),
            ..RedactConfig::default()
        };
        let redactor = Redactor::new(&config).unwrap();
        let text = "jane@example.org";
        let record = LogRecord {
            attributes: attributes("user.email", text),
            body: Value::Map(vec![Attribute::new("user.email", text), Attribute::new("kept", 1_i64)]),
            ..LogRecord::default()
        };
        let redacted = redactor.redact(vec![batch(vec![record])]);
        assert!(!read(&redacted).contains("jane"));
        let attributes = &redacted[0].records()[1].attributes;
        let kept: Vec<&str> = attributes.iter().map(|attribute| attribute.key).collect();
        match identity {
            Identity::Hash => {
                assert_eq!(kept, ["session.id", "user.email", "user.id"]);
                assert_eq!(redacted[0].records()[0], redacted[0].records()[1]);
            }
            _ => assert_eq!(kept, ["session.id"]),
        }
        assert_eq!(redactor.counts().count("identity"), 6);
        assert_eq!(redacted[0].redacted_fields(0), [""; 0]);
    }
}

#[test]
fn what_was_changed_is_named_by_field_and_rule_and_never_by_text() {
    let record = LogRecord {
        body: "from 10.0.0.1".into(),
        attributes: Attributes::new(vec![
            Attribute::new("jane@example.org", "password=hunter2"),
            Attribute::new("prompt", "password=hunter2 from 10.0.0.1"),
            Attribute::new("tokens", 4_111_111_111_111_111_i64),
        ]),
        ..LogRecord::default()
    };
    let resource = Resource {
        attributes: Attributes::new(vec![Attribute::new("host.ip", "10.0.0.1")]),
        ..Resource::default()
    };
    let records = Records {
        resource: Arc::new(resource),
        scope: Scope::default(),
        records: vec![LogRecord::default(), record],
    };
    let redactor = redactor();
    let redacted = redactor.redact(vec![records]);
    assert_eq!(redacted[0].redacted_fields(0), ["resource.host.ip"]);
    assert_eq!(redacted[0].redacted_fields(1), ["[REDACTED:email]", "body", "prompt", "resource.host.ip"]);
    let changes: Vec<_> = redacted[0].redactions(1).map(|change| (&*change.field, &*change.rule)).collect();
    assert_eq!(
        changes,
        [
            ("resource.host.ip", "internal_ip"),
            ("[REDACTED:email]", "email"),
            ("[REDACTED:email]", "password"),
            ("body", "internal_ip"),
            ("prompt", "internal_ip"),
            ("prompt", "password"),
        ]
    );
    let counts = redactor.counts();
    let fired: Vec<_> = counts.fired().map(|entry| (&*entry.rule, entry.count)).collect();
    assert_eq!(fired, [("password", 2), ("email", 1), ("internal_ip", 3)]);
}

#[test]
fn scopes_of_one_resource_still_share_it_afterwards() {
    let resource = Arc::new(Resource {
        attributes: Attributes::new(vec![Attribute::new("owner", "jane@example.org")]),
        ..Resource::default()
    });
    let records = || Records { resource: Arc::clone(&resource), ..batch(vec![LogRecord::default()]) };
    let redactor = redactor();
    let redacted = redactor.redact(vec![records(), records()]);
    assert!(Arc::ptr_eq(redacted[0].resource(), redacted[1].resource()));
    assert_eq!(redacted[1].redacted_fields(0), ["resource.owner"]);
    assert_eq!(redactor.counts().count("email"), 1);
}
