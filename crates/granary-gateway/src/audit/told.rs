//! What of a query's parameters goes into the audit.
//!
//! The values are what the audit is for: whose sessions somebody looked at stands in a filter, not in the query's name. So they
//! are kept, for admins to read, unless [`AuditOptions::parameters`] says otherwise; then only the names are. Before that
//! every text goes through the same redaction as telemetry does ([`Scrub`]), since people paste keys into search fields,
//! and only then is it cut, so that no half of a secret is left that no rule knows. The tenant is not among them: it
//! has a column.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::AuditOptions;
use crate::Binding;

/// Characters of one value.
const MAX_VALUE_CHARS: usize = 256;

/// Values of one parameter.
const MAX_VALUES: usize = 16;

/// Bytes of all of it; a query with more has only the names of its parameters kept.
const MAX_BYTES: usize = 8 * 1024;

/// Characters of a caller's own SQL.
const MAX_SQL_CHARS: usize = 8 * 1024;

/// Takes secrets out of a text.
#[derive(Clone)]
pub struct Scrub(Arc<dyn Fn(&str) -> String + Send + Sync>);

impl Scrub {
    /// By this function.
    pub fn with(scrub: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(scrub))
    }

    fn text(&self, text: &str, most: usize) -> String {
        let text = (self.0)(text);
        match text.char_indices().nth(most) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }
}

impl fmt::Debug for Scrub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrub")
    }
}

/// A query's parameters, as JSON.
pub(super) fn parameters(bindings: &[(String, Binding)], options: &AuditOptions) -> String {
    let bindings = || bindings.iter().filter(|(name, _)| name != "tenant");
    let names = || bindings().map(|(name, _)| (name.clone(), Value::Null)).collect::<Map<_, _>>();
    if !options.parameters {
        return Value::from(names()).to_string();
    }
    let values = bindings().map(|(name, value)| (name.clone(), told(value, &options.scrub)));
    let text = Value::from(values.collect::<Map<_, _>>()).to_string();
    if text.len() > MAX_BYTES { Value::from(names()).to_string() } else { text }
}

/// A caller's own SQL, as JSON.
pub(super) fn sql(text: &str, options: &AuditOptions) -> String {
    let text = if options.parameters { json!(options.scrub.text(text, MAX_SQL_CHARS)) } else { Value::Null };
    json!({ "sql": text }).to_string()
}

fn told(value: &Binding, scrub: &Scrub) -> Value {
    match value {
        Binding::Text(text) => json!(scrub.text(text, MAX_VALUE_CHARS)),
        Binding::Texts(texts) => {
            let mut told: Vec<_> =
                texts.iter().take(MAX_VALUES).map(|text| scrub.text(text, MAX_VALUE_CHARS)).collect();
            if texts.len() > MAX_VALUES {
                told.push(format!("… {} in all", texts.len()));
            }
            json!(told)
        }
        Binding::Unsigned(number) => json!(number),
        Binding::Float(number) => json!(number),
        Binding::Bool(truth) => json!(truth),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn options(parameters: bool) -> AuditOptions {
        let scrub = Scrub::with(|text| text.replace("sk-secret", "[redacted]"));
        AuditOptions { keep: Duration::ZERO, queue: 1, parameters, scrub }
    }

    fn bindings() -> Vec<(String, Binding)> {
        let text = |text: &str| Binding::Text(text.to_owned());
        vec![
            ("tenant".to_owned(), text("acme")),
            ("search".to_owned(), text("with sk-secret in it")),
            ("user".to_owned(), Binding::Texts(vec!["a@example.com".to_owned(), "b@example.com".to_owned()])),
            ("limit".to_owned(), Binding::Unsigned(10)),
        ]
    }

    #[test]
    fn values_are_kept_without_secrets_and_the_tenant_is_not_among_them() {
        assert_eq!(
            parameters(&bindings(), &options(true)),
            r#"{"limit":10,"search":"with [redacted] in it","user":["a@example.com","b@example.com"]}"#
        );
    }

    #[test]
    fn where_values_are_not_to_be_kept_only_the_names_are() {
        assert_eq!(parameters(&bindings(), &options(false)), r#"{"limit":null,"search":null,"user":null}"#);
        assert_eq!(sql("SELECT 1", &options(false)), r#"{"sql":null}"#);
    }

    #[test]
    fn what_is_long_is_cut_after_it_was_redacted() {
        let long = format!("{}sk-secret", "é".repeat(MAX_VALUE_CHARS - 4));
        let texts = (0..100).map(|number| number.to_string()).collect();
        let bindings = vec![("a".to_owned(), Binding::Text(long)), ("b".to_owned(), Binding::Texts(texts))];
        let told: Value = serde_json::from_str(&parameters(&bindings, &options(true))).unwrap();
        let text = told["a"].as_str().unwrap();
        assert!(text.ends_with("é[red…"), "{text}");
        assert_eq!(told["b"].as_array().unwrap().len(), MAX_VALUES + 1);
        assert_eq!(told["b"][MAX_VALUES], "… 100 in all");
    }

    #[test]
    fn there_is_a_bound_on_all_of_them_together() {
        let values = vec!["x".repeat(MAX_VALUE_CHARS); MAX_VALUES];
        let bindings: Vec<_> =
            ["a", "b", "c"].map(|name| (name.to_owned(), Binding::Texts(values.clone()))).into();
        assert_eq!(parameters(&bindings, &options(true)), r#"{"a":null,"b":null,"c":null}"#);
    }
}
