//! What is remembered of records before changes nothing of what becomes of a record.

use std::sync::LazyLock;

use granary_model::{Attribute, Attributes, LogRecord, Records, Value};
use granary_redact::{HashKey, Identity, RedactConfig, Redactor};
use proptest::collection::vec;
use proptest::prelude::*;

const KEYS: [&str; 9] = [
    "session.id",
    "user.email",
    "user.id",
    "prompt",
    "db.password",
    "api_key_source",
    "jane@example.org",
    "tool_input",
    "http.request.header.authorization",
];

const TEXTS: [&str; 12] = [
    "",
    "3f0ba2f4-77de-4000-8000-000000000001",
    "jane@example.org",
    "mail jane@example.org",
    "hunter2-hunter2",
    "sk-ant-api03-abcdefgh",
    r#"{"command":"export PASSWORD=hunter2-x"}"#,
    "[REDACTED:email]",
    "4111 1111 1111 1111",
    "Bearer abcdef0123456789",
    "from 10.0.0.1",
    "$PASSWORD",
];

fn value() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(TEXTS.to_vec()).prop_map(Value::from);
    prop_oneof![
        8 => text.clone(),
        1 => any::<i64>().prop_map(Value::Int),
        1 => text.clone().prop_map(|text| Value::Array(vec![text])),
        1 => text.clone().prop_map(|text| Value::Map(vec![Attribute::new("user.id", text)])),
        1 => prop::sample::select(TEXTS.to_vec()).prop_map(|text| Value::Bytes(text.as_bytes().to_vec())),
    ]
}

fn record() -> impl Strategy<Value = LogRecord> {
    let pair = (prop::sample::select(KEYS.to_vec()), value());
    (vec(pair, 0..5), value()).prop_map(|(pairs, body)| LogRecord {
        attributes: Attributes::new(
            pairs.into_iter().map(|(key, value)| Attribute { key: key.to_owned(), value }).collect(),
        ),
        body,
        ..LogRecord::default()
    })
}

const IDENTITIES: [Identity; 3] = [Identity::Keep, Identity::Hash, Identity::Drop];

/// For each of them one that sees records together and one that sees them alone.
static REDACTORS: LazyLock<[[Redactor; 2]; 3]> =
    LazyLock::new(|| IDENTITIES.map(|identity| [redactor(identity), redactor(identity)]));

fn redactor(identity: Identity) -> Redactor {
    let hash_key = Some(HashKey::new("0123456789abcdef"));
    Redactor::new(&RedactConfig { identity, hash_key, ..RedactConfig::default() })
        .expect("the rules are sound")
}

/// Each record after redaction, with the names of its fields that were changed.
fn redacted(redactor: &Redactor, records: Vec<LogRecord>) -> Vec<(LogRecord, Vec<String>)> {
    let redacted = redactor.redact(vec![Records { records, ..Records::default() }]);
    let fields = |index| redacted[0].redacted_fields(index).into_iter().map(str::to_owned).collect();
    redacted[0].records().iter().enumerate().map(|(index, record)| (record.clone(), fields(index))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_comes_out_the_same_alone_and_among_others(
        records in vec(record(), 1..6),
        turns in vec(any::<prop::sample::Index>(), 1..20),
        identity in 0..IDENTITIES.len(),
    ) {
        // Records that come again have the keys, and share the memory of them, of their first time.
        let records: Vec<LogRecord> = turns.iter().map(|turn| turn.get(&records).clone()).collect();
        let [together, alone] = &REDACTORS[identity];
        let all = redacted(together, records.clone());
        for (record, redacted_together) in records.into_iter().zip(all) {
            let redacted_alone = redacted(alone, vec![record]).remove(0);
            prop_assert_eq!(redacted_together, redacted_alone);
        }
    }
}
